import { NonRetryableError } from 'nestjs-rocketmq';
import { RecordingRocketMQTemplate } from '../index.js';

describe('a recording template', () => {
  it('writes down what is sent, converted and checked as by the real one', async () => {
    const template = new RecordingRocketMQTemplate();
    const result = await template.send('orders:placed', { id: 1 }, { keys: 'k', hashKey: 'h' });
    await template.sendDelayed('reminders', 'wake up', '10s');
    await template.sendBatch('orders', [{ id: 2 }, { id: 3 }]);
    await template.sendOneWay('audit', Uint8Array.of(1));
    expect(result).toMatchObject({ status: 'SEND_OK', msgId: 'RECORDED-1' });
    expect(template.sent.map(({ kind, topic }) => [kind, topic])).toEqual([
      ['send', 'orders'],
      ['send', 'reminders'],
      ['batch', 'orders'],
      ['batch', 'orders'],
      ['one-way', 'audit'],
    ]);
    expect(template.sentTo('orders:placed')).toMatchObject([
      { payload: { id: 1 }, tag: 'placed', keys: ['k'], hashKey: 'h' },
    ]);
    expect(template.sentTo('reminders')).toMatchObject([{ payload: 'wake up', delayLevel: 3 }]);
    await expect(template.send('orders', undefined)).rejects.toMatchObject({
      code: 'ROCKETMQ_SEND_REFUSED',
    });
    template.clear();
    expect(template.sent).toEqual([]);
  });

  it('fails when told to, so often and for that topic', async () => {
    const template = new RecordingRocketMQTemplate();
    const away = new Error('broker away');
    template.failNext(away, { topic: 'orders', times: 2 });
    await template.send('refunds', 'x');
    await expect(template.send('orders', 'x')).rejects.toBe(away);
    await expect(template.send('orders', 'x')).rejects.toBe(away);
    await template.send('orders', 'x');
    expect(template.sentTo('orders')).toHaveLength(1);
  });

  it('runs local transactions, and counts as sent only what was committed', async () => {
    const template = new RecordingRocketMQTemplate();
    template.onTransaction('orders', (payload) =>
      (payload as { id: number }).id === 1 ? 'commit' : 'rollback',
    );
    const committed = await template.sendInTransaction('orders', { id: 1 });
    const dropped = await template.sendInTransaction('orders', { id: 2 });
    expect([committed.verdict, dropped.verdict]).toEqual(['commit', 'rollback']);
    let ran = 0;
    await template.transaction('orders', { id: 3 }, () => void (ran += 1));
    const failure = new NonRetryableError('no stock');
    const failing = template.transaction('orders', { id: 4 }, () => Promise.reject(failure));
    await expect(failing).rejects.toBe(failure);
    expect(ran).toBe(1);
    expect(template.sentTo('orders').map(({ payload }) => payload)).toEqual([{ id: 1 }, { id: 3 }]);
    expect(template.recorded.map(({ verdict }) => verdict)).toEqual([
      'commit',
      'rollback',
      'commit',
      'unknown',
    ]);
  });

  it('takes timer messages back', async () => {
    const template = new RecordingRocketMQTemplate();
    const sent = await template.sendDelayed('orders', 'x', new Date(Date.UTC(2030, 0, 1)));
    expect(template.sent).toHaveLength(1);
    await template.recall(sent);
    expect(template.sent).toHaveLength(0);
  });
});
