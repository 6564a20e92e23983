import type { ListPlace } from './client-list.js';

/** Transactional messages: every verdict, check-backs, and a check answered by somebody else. */
export function transactions(place: ListPlace): void {
  const topic = `Tx-${place.suffix}`;
  const txGroup = `g-tx-${place.suffix}`;
  const client = place.client;

  beforeAll(async () => {
    await client().run('topic', { id: 'p', topic });
    await client().run('push', {
      ns: place.ns,
      id: 'tx',
      group: `g-tx-consumer-${place.suffix}`,
      topic,
    });
    await client().run('transaction-producer', { ns: place.ns, id: 't', group: txGroup });
  });

  const arrived = (body: string) =>
    client()
      .received('tx')
      .filter((one) => one.body === body);
  async function untilArrived(body: string): Promise<void> {
    const deadline = Date.now() + 30_000;
    while (arrived(body).length === 0) {
      const count = client().received('tx').length;
      await client().untilReceived('tx', count + 1, Math.max(1, deadline - Date.now()));
    }
  }

  it('a committed message is delivered with its transaction id', async () => {
    const [sent] = await client().send('transaction', {
      id: 't',
      topic,
      body: 'yes',
      local: 'commit',
    });
    await untilArrived('yes-0');
    expect(sent?.status).toBe('SEND_OK');
    expect(arrived('yes-0')[0]).toMatchObject({
      topic,
      msgId: sent?.msgId,
      properties: {
        UNIQ_KEY: sent?.transactionId ?? sent?.msgId,
        PGROUP: txGroup,
        TRAN_MSG: 'true',
      },
    });
  });

  it('an undecided message is asked about and delivered when the answer is commit', async () => {
    await client().send('transaction', {
      id: 't',
      topic,
      body: 'maybe',
      local: 'unknown',
      check: 'commit',
    });
    await untilArrived('maybe-0');
    const checks = (await client().untilEvents('check', 1)).filter(
      (one) => one['body'] === 'maybe-0',
    );
    expect(checks).toHaveLength(1);
    expect(checks[0]).toMatchObject({
      id: 't',
      topic,
      transactionId: arrived('maybe-0')[0]?.msgId,
      times: '1',
    });
  });

  it('an undecided message is asked about again until it is decided', async () => {
    await client().send('transaction', {
      id: 't',
      topic,
      body: 'shy',
      local: 'unknown',
      check: 'unknown',
    });
    const deadline = Date.now() + 30_000;
    const asked = async (count: number) =>
      (await client().untilEvents('check', count, Math.max(1, deadline - Date.now()))).filter(
        (one) => one['body'] === 'shy-0',
      );
    let count = 1;
    let checks = await asked(count);
    while (checks.length < 2) checks = await asked(++count);
    expect(checks.slice(0, 2).map((one) => one['times'])).toEqual(['1', '2']);
    expect(arrived('shy-0')).toEqual([]);
  });

  it('rolled back messages are never delivered, at once or after a check', async () => {
    await client().send('transaction', { id: 't', topic, body: 'no', local: 'rollback' });
    await client().send('transaction', {
      id: 't',
      topic,
      body: 'maybe-not',
      local: 'unknown',
      check: 'rollback',
    });
    const checked = async () => {
      const checks = await client().untilEvents('check', 1);
      return checks.some((one) => one['body'] === 'maybe-not-0');
    };
    for (let count = 1; !(await checked()); count++) await client().untilEvents('check', count);
    await client().send('transaction', { id: 't', topic, body: 'marker', local: 'commit' });
    await untilArrived('marker-0');
    expect(arrived('no-0')).toEqual([]);
    expect(arrived('maybe-not-0')).toEqual([]);
  });

  it('another instance of the group is asked when the sender is gone', async () => {
    await client().run('transaction-producer', {
      ns: place.ns,
      id: 'heir',
      group: txGroup,
    });
    // An instance that has sent nothing knows no broker, so no broker knows it.
    await client().send('transaction', { id: 'heir', topic, body: 'hello', local: 'commit' });
    await untilArrived('hello-0');
    await client().send('transaction', {
      id: 't',
      topic,
      body: 'orphan',
      local: 'unknown',
      check: 'commit',
    });
    await client().run('stop', { id: 't' });
    await untilArrived('orphan-0');
    const checks = (await client().untilEvents('check', 1)).filter(
      (one) => one['body'] === 'orphan-0',
    );
    expect(checks.at(-1)).toMatchObject({ id: 'heir' });
    expect(arrived('orphan-0')).toHaveLength(1);
  });
}
