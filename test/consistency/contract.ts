import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  CONSISTENCY_VERSION,
  type ConsistencyStorage,
  type LeasedRecord,
  type LeaseRequest,
  type OutboxRecord,
} from 'nestjs-rocketmq/consistency';

/** One promise of `ConsistencyStorage`, checked on a storage with migrated tables. */
export interface ContractCase<Tx = unknown> {
  readonly title: string;
  run(storage: ConsistencyStorage<Tx>): Promise<void>;
}

const HOUR = 3_600_000;

/** Cases share a database, so each has names of its own. */
const name = (prefix: string): string => `${prefix}-${randomUUID()}`;

function message(orderKey: string, body = 'x'): OutboxRecord {
  return {
    id: name('m'),
    orderKey,
    destination: 'topic:tag',
    body: Buffer.from(body),
    options: '{}',
  };
}

async function add<Tx>(
  storage: ConsistencyStorage<Tx>,
  ...messages: OutboxRecord[]
): Promise<string[]> {
  await storage.transaction(async (tx) => {
    for (const one of messages) await storage.append(tx, one);
  });
  return messages.map(({ id }) => id);
}

function lease<Tx>(
  storage: ConsistencyStorage<Tx>,
  request: Partial<LeaseRequest>,
): Promise<readonly LeasedRecord[]> {
  return storage.lease({
    owner: 'relay',
    leaseMs: HOUR,
    keys: 1_000,
    perKey: 1_000,
    isHeld: true,
    isForced: false,
    ...request,
  });
}

const ids = (records: readonly LeasedRecord[]): string[] => records.map(({ id }) => id);

class Undone extends Error {}

async function undone<Tx>(
  storage: ConsistencyStorage<Tx>,
  work: (tx: Tx) => Promise<unknown>,
): Promise<void> {
  const failing = storage.transaction(async (tx) => {
    await work(tx);
    throw new Undone('rolled back on purpose');
  });
  await assert.rejects(failing, Undone);
}

const schema: ContractCase[] = [
  {
    title: 'migrates as often as it is asked, also by several at once',
    async run(storage) {
      await Promise.all([storage.migrate(), storage.migrate(), storage.migrate()]);
      assert.equal(await storage.version(), CONSISTENCY_VERSION);
    },
  },
];

const idempotency: ContractCase[] = [
  {
    title: 'knows a claimed entry and its outcome afterwards, in its scope only',
    async run(storage) {
      const entry = { scope: name('scope'), key: 'k' };
      const first = await storage.transaction(async (tx) => {
        const claim = await storage.claim(tx, entry);
        await storage.keepOutcome(tx, entry, '{"a":1}');
        return claim;
      });
      assert.deepEqual(first, { isFirst: true });
      const again = await storage.transaction((tx) => storage.claim(tx, entry));
      assert.deepEqual(again, { isFirst: false, outcome: '{"a":1}' });
      const other = { scope: name('scope'), key: 'k' };
      const elsewhere = await storage.transaction((tx) => storage.claim(tx, other));
      assert.deepEqual(elsewhere, { isFirst: true });
      const bare = await storage.transaction((tx) => storage.claim(tx, other));
      assert.deepEqual(bare, { isFirst: false, outcome: null });
    },
  },
  {
    title: 'forgets an entry whose transaction was rolled back',
    async run(storage) {
      const entry = { scope: name('scope'), key: 'k' };
      await undone(storage, (tx) => storage.claim(tx, entry));
      const claim = await storage.transaction((tx) => storage.claim(tx, entry));
      assert.deepEqual(claim, { isFirst: true });
    },
  },
  {
    title: 'lets one of several be the first when they come at the same time',
    async run(storage) {
      const entry = { scope: name('scope'), key: 'k' };
      const claims = await Promise.all(
        Array.from({ length: 5 }, () => storage.transaction((tx) => storage.claim(tx, entry))),
      );
      assert.equal(claims.filter(({ isFirst }) => isFirst).length, 1);
    },
  },
  {
    title: 'removes old entries and decisions, no more than the limit at once',
    async run(storage) {
      const scope = name('scope');
      for (const key of ['a', 'b', 'c']) {
        await storage.transaction((tx) => storage.claim(tx, { scope, key }));
      }
      await storage.transaction((tx) => storage.markDone(tx, name('tx')));
      const keep = { idempotencyMs: HOUR, fenceMs: HOUR, limit: 1_000 };
      assert.equal(await storage.removeOld(keep), 0);
      const two = { idempotencyMs: 0, fenceMs: HOUR, limit: 2 };
      assert.equal(await storage.removeOld(two), 2);
      while ((await storage.removeOld({ ...keep, idempotencyMs: 0, fenceMs: 0 })) > 0);
      const claim = await storage.transaction((tx) => storage.claim(tx, { scope, key: 'a' }));
      assert.deepEqual(claim, { isFirst: true });
    },
  },
];

const fence: ContractCase[] = [
  {
    title: 'keeps the first decision about a local transaction',
    async run(storage) {
      const done = name('tx');
      assert.equal((await storage.decision(done, 0)).state, undefined);
      assert.equal(await storage.transaction((tx) => storage.markDone(tx, done)), true);
      assert.equal(await storage.markAborted(done), 'DONE');
      assert.equal((await storage.decision(done, 0)).state, 'DONE');
      const late = name('tx');
      assert.equal(await storage.markAborted(late), 'ABORTED');
      assert.equal(await storage.markAborted(late), 'ABORTED');
      assert.equal(await storage.transaction((tx) => storage.markDone(tx, late)), false);
      const undoneKey = name('tx');
      await undone(storage, (tx) => storage.markDone(tx, undoneKey));
      assert.equal(await storage.markAborted(undoneKey), 'ABORTED');
    },
  },
  {
    title: 'decides once when both sides meet',
    async run(storage) {
      for (let round = 0; round < 20; round += 1) {
        const key = name('race');
        const [isDone, decision] = await Promise.all([
          storage.transaction((tx) => storage.markDone(tx, key)),
          storage.markAborted(key),
        ]);
        assert.equal(decision, isDone ? 'DONE' : 'ABORTED');
      }
    },
  },
  {
    title: 'tells the age of a half message by the clock of the database',
    async run(storage) {
      const { ageMs: now } = await storage.decision(name('tx'), 0);
      const { ageMs } = await storage.decision(name('tx'), now - HOUR);
      assert.ok(ageMs >= HOUR && ageMs < 2 * HOUR, `an hour ago is ${ageMs} ms`);
    },
  },
];

const outbox: ContractCase[] = [
  {
    title: 'keeps a message with the transaction that added it, bytes and all',
    async run(storage) {
      const orderKey = name('key');
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const sent = { ...message(orderKey), body: every, options: JSON.stringify({ tags: 'ü' }) };
      await undone(storage, (tx) => storage.append(tx, message(orderKey)));
      assert.deepEqual(await lease(storage, { orderKey }), []);
      await add(storage, sent);
      const [found, ...more] = await lease(storage, { orderKey });
      assert.deepEqual(more, []);
      assert.ok(found !== undefined);
      assert.deepEqual({ ...found, body: Uint8Array.from(found.body) }, { ...sent, attempts: 0 });
      await storage.removeSent([sent.id]);
      assert.deepEqual(await lease(storage, { orderKey, isForced: true }), []);
    },
  },
  {
    title: 'gives the messages of a key in the order of commits',
    async run(storage) {
      const orderKey = name('key');
      const [one, two, three] = [message(orderKey), message(orderKey), message(orderKey)];
      let second: Promise<unknown> = Promise.resolve();
      await storage.transaction(async (tx) => {
        await storage.append(tx, one);
        second = add(storage, three);
        await storage.append(tx, two);
      });
      await second;
      const found = await lease(storage, { orderKey });
      assert.deepEqual(ids(found), [one.id, two.id, three.id]);
      await storage.removeSent(ids(found));
    },
  },
  {
    title: 'leases the oldest messages of a key, and the key to one relay at a time',
    async run(storage) {
      const orderKey = name('key');
      const all = await add(storage, message(orderKey), message(orderKey), message(orderKey));
      const first = await lease(storage, { orderKey, owner: 'a', perKey: 2 });
      assert.deepEqual(ids(first), all.slice(0, 2));
      assert.deepEqual(await lease(storage, { orderKey, owner: 'b' }), []);
      await storage.removeSent(all.slice(0, 1));
      assert.deepEqual(await lease(storage, { orderKey, owner: 'b' }), []);
      await storage.release('b', all.slice(1, 2));
      assert.deepEqual(await lease(storage, { orderKey, owner: 'b' }), []);
      await storage.release('a', all.slice(1, 2));
      const rest = await lease(storage, { orderKey, owner: 'b' });
      assert.deepEqual(ids(rest), all.slice(1));
      await storage.removeSent(all);
    },
  },
  {
    title: 'takes as many keys as asked for, oldest first',
    async run(storage) {
      const keys = [name('key'), name('key'), name('key')];
      const all = await add(storage, ...keys.map((key) => message(key)));
      const first = await lease(storage, { owner: 'a', keys: 2 });
      assert.deepEqual(ids(first), all.slice(0, 2));
      const second = await lease(storage, { owner: 'b', keys: 2 });
      assert.deepEqual(ids(second), all.slice(2));
      await storage.removeSent(all);
    },
  },
  {
    title: 'gives a message to another relay when the lease has ended',
    async run(storage) {
      const orderKey = name('key');
      const [id] = await add(storage, message(orderKey));
      await lease(storage, { orderKey, owner: 'dead', leaseMs: 0 });
      const taken = await lease(storage, { orderKey, owner: 'b' });
      assert.deepEqual(ids(taken), [id]);
      // the first one was slow, not dead: what it says about the failure no longer counts
      const failure = { id: id as string, error: 'late', retryInMs: undefined };
      await storage.noteFailure({ ...failure, owner: 'dead' });
      assert.deepEqual(await storage.poisoned(10), []);
      await storage.removeSent([id as string]);
    },
  },
  {
    title: 'waits for the next try of a failed message, and lets other keys go on',
    async run(storage) {
      const [stuck, free] = [name('key'), name('key')];
      const [a, b, c] = await add(storage, message(stuck), message(stuck), message(free));
      const all = [a, b, c] as string[];
      await lease(storage, { owner: 'a' });
      await storage.noteFailure({ id: all[0] as string, owner: 'a', error: 'no', retryInMs: HOUR });
      await storage.release('a', all.slice(1));
      assert.deepEqual(ids(await lease(storage, { owner: 'b' })), [c]);
      const [forced] = await lease(storage, { owner: 'b', orderKey: stuck, isForced: true });
      assert.equal(forced?.id, a);
      assert.equal(forced?.attempts, 1);
      await storage.removeSent(all);
    },
  },
  {
    title: 'keeps a poisoned message apart: it holds its key back or is skipped, and comes back',
    async run(storage) {
      const orderKey = name('key');
      const [a, b, c] = await add(
        storage,
        message(orderKey),
        message(orderKey),
        message(name('k')),
      );
      const all = [a, b, c] as string[];
      await lease(storage, { owner: 'a' });
      const failure = { id: all[0] as string, owner: 'a', error: 'poison', retryInMs: undefined };
      await storage.noteFailure(failure);
      await storage.release('a', all.slice(1));
      const { waiting, poisoned } = await storage.lag();
      assert.deepEqual({ waiting, poisoned }, { waiting: 2, poisoned: 1 });
      assert.deepEqual(ids(await lease(storage, { owner: 'a', isHeld: true })), [c]);
      assert.deepEqual(ids(await lease(storage, { owner: 'a', isHeld: false })), [b]);
      const [listed] = await storage.poisoned(10);
      const { id, destination, attempts, error } = listed ?? assert.fail('none is listed');
      const expected = { id: a, destination: 'topic:tag', attempts: 1, error: 'poison' };
      assert.deepEqual({ id, destination, attempts, error }, expected);
      assert.equal(await storage.revive(all[0] as string), true);
      assert.equal(await storage.revive(all[0] as string), false);
      const [back] = await lease(storage, { owner: 'a', orderKey });
      assert.equal(back?.id, a);
      assert.equal(back?.attempts, 0);
      await storage.noteFailure(failure);
      assert.equal(await storage.discard(all[0] as string), true);
      assert.equal(await storage.discard(all[1] as string), false);
      await storage.removeSent(all);
    },
  },
  {
    title: 'tells how far the relays are behind',
    async run(storage) {
      assert.deepEqual(await storage.lag(), { waiting: 0, poisoned: 0, oldestAgeMs: undefined });
      const all = await add(storage, message(name('key')), message(name('key')));
      const { waiting, oldestAgeMs = -1 } = await storage.lag();
      assert.equal(waiting, 2);
      assert.ok(oldestAgeMs >= 0 && oldestAgeMs < HOUR, `age ${oldestAgeMs}`);
      await storage.removeSent(all);
    },
  },
  {
    title: 'shares the messages of many keys among several relays, each key in order',
    async run(storage) {
      const keys = Array.from({ length: 12 }, () => name('key'));
      const messages = [0, 1, 2, 3].flatMap((step) =>
        keys.map((key) => message(key, String(step))),
      );
      await add(storage, ...messages);
      const seen = new Map<string, string[]>();
      const relay = async (owner: string): Promise<void> => {
        while ((await storage.lag()).waiting > 0) {
          for (const { id, orderKey, body } of await lease(storage, {
            owner,
            keys: 3,
            perKey: 2,
          })) {
            seen.set(orderKey, [...(seen.get(orderKey) ?? []), Buffer.from(body).toString()]);
            await storage.removeSent([id]);
          }
        }
      };
      await Promise.all(['a', 'b', 'c', 'd'].map(relay));
      assert.equal(seen.size, keys.length);
      for (const steps of seen.values()) assert.deepEqual(steps, ['0', '1', '2', '3']);
    },
  },
];

/** Everything that a storage promises. */
export const contract: readonly ContractCase[] = [...schema, ...idempotency, ...fence, ...outbox];
