import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { RocketMQListener, RocketMQTemplate } from 'nestjs-rocketmq';
import { RocketMQTestKit, RocketMQTestingModule } from '../index.js';

@Injectable()
class Payments {
  @RocketMQListener({ topic: 'orders', group: 'payments' })
  pay(): void {}
}

describe('faults of the testing kit', () => {
  let mq: RocketMQTestKit;
  let template: RocketMQTemplate;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const moduleRef = await Test.createTestingModule({
      imports: [RocketMQTestingModule.forTest()],
      providers: [Payments],
    }).compile();
    moduleRef.useLogger(false);
    const app = await moduleRef.init();
    mq = app.get(RocketMQTestKit);
    template = app.get(RocketMQTemplate);
    close = () => app.close();
  });
  afterAll(() => close());
  afterEach(() => {
    mq.faults.heal();
    mq.clear();
  });

  it('a lost send is tried again by the producer, after its time-out', async () => {
    const lost = mq.faults.drop({ topic: 'orders', times: 1 });
    const before = mq.now.getTime();
    // One queue without answers: the client gives half of the call's time to the first try.
    await template.send('orders', { id: 1 }).catch(() => template.send('orders', { id: 1 }));
    expect(lost.hits).toBe(1);
    expect(mq.now.getTime()).toBeGreaterThan(before);
    expect(await mq.consumed('payments', 1)).toHaveLength(1);
  });

  it('a lost answer leaves the message stored, and the sender without knowledge', async () => {
    mq.faults.drop({ on: 'answer', topic: 'orders' });
    const sending = template.send('orders', { id: 2 }, { timeout: '2s' });
    await expect(sending).rejects.toThrow();
    const consumed = await mq.consumed('payments', 1);
    expect(consumed.map(({ payload }) => payload)).toContainEqual({ id: 2 });
    expect(await mq.sent('orders')).toEqual([]);
  });

  it('a doubled send is stored twice, a doubled delivery handled twice', async () => {
    mq.faults.duplicate({ topic: 'orders', times: 1 });
    await template.send('orders', { id: 3 });
    expect(await mq.consumed('payments', 2)).toHaveLength(2);
    mq.clear();
    mq.faults.duplicate({ group: 'payments', times: 1 });
    await template.send('orders', { id: 4 });
    expect(await mq.consumed('payments', 2)).toHaveLength(2);
  });

  it('what is delayed arrives when its time has come, and not before', async () => {
    mq.faults.delay('1m', { group: 'payments' });
    await template.send('orders', { id: 5 });
    await mq.advance('59s');
    expect(await mq.consumed('payments')).toEqual([]);
    await mq.advance('1s');
    expect(await mq.consumed('payments')).toHaveLength(1);
  });

  it('a lost delivery comes again one step up the ladder', async () => {
    mq.faults.drop({ group: 'payments', times: 1 });
    await template.send('orders', { id: 6 });
    const [lost, again] = await mq.deliveries('payments', { count: 2, within: '15s' });
    expect([lost?.outcome, again?.outcome]).toEqual(['lost', 'success']);
    expect((again?.at.getTime() ?? 0) - (lost?.at.getTime() ?? 0)).toBe(10_000);
  });

  it('a broker that is down fails sends, and is found again when it is up', async () => {
    mq.faults.brokerDown();
    await expect(template.send('orders', { id: 7 })).rejects.toThrow();
    mq.faults.brokerUp();
    await mq.advance('2m');
    await template.send('orders', { id: 8 });
    const consumed = await mq.consumed('payments', { count: 1, within: '1m' });
    expect(consumed.map(({ payload }) => payload)).toEqual([{ id: 8 }]);
  });

  it('are refused when they would strike nothing', () => {
    expect(() => mq.faults.drop({ topik: 'orders' } as object)).toThrow("'topik' is unknown");
    expect(() => mq.faults.drop({ on: 'send', group: 'payments' })).toThrow('only deliveries');
    expect(() => mq.faults.delay('soon')).toThrow('not "soon"');
  });

  it('an expectation that is missed tells what there was', async () => {
    await template.send('orders', { id: 9 });
    const missed = mq.consumed('payments', { count: 2, within: '1s' });
    await expect(missed).rejects.toMatchObject({ code: 'ROCKETMQ_TEST_DEADLINE' });
    await expect(mq.consumed('payments', 2)).rejects.toThrow('orders (try 1: success): {"id":9}');
  });
});
