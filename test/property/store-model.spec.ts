import { spanOf } from '@nestjs-rocketmq/foundation';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { leastTagsCode, StoredMessage, tagHash } from '@nestjs-rocketmq/message';
import { emptyUnit, type MessageStore, type StoreOptions } from '@nestjs-rocketmq/store';
import { draftOf, messagesOf, smallFiles, StoreFixture } from '@nestjs-rocketmq/store/testing';

/**
 * A store on a disk that breaks, beside a model of what it promises:
 *
 * - what was shown stays, in its place, while the process lives and when it is killed;
 * - with SYNC_FLUSH what was shown also survives a power failure, with ASYNC_FLUSH all that was
 *   durable does;
 * - what survives of a queue is a beginning of it: no holes, no changes, nothing twice;
 * - a message that failed is not shown in this life;
 * - offsets go up by one, and every message that is read has its checksum and its own place;
 * - what a queue says of the tags of a message is true, and with an extension that nobody damages it
 *   says it of all.
 */
class Model {
  readonly random: SeededRandom;
  readonly fixture: StoreFixture;
  /** Bodies in each queue, as taken in; those behind `shown` may be lost. */
  readonly queues = new Map<string, string[]>();
  readonly failed = new Set<string>();
  /** Bodies of this turn. */
  private turn: { readonly queue: string; readonly body: string }[] = [];
  private store!: MessageStore;
  private readonly entry = { position: 0, size: 0, tagsCode: 0 };
  private readonly unit = emptyUnit();
  private count = 0;

  constructor(
    seed: number,
    private readonly options: Partial<StoreOptions>,
    private readonly extension: 'NONE' | 'KEPT' | 'DAMAGED' = 'NONE',
  ) {
    this.random = new SeededRandom(seed);
    this.fixture = new StoreFixture(seed + 1, { ...smallFiles, ...options });
    this.fixture.bitMapOf = (_topic, storeTime, _bytes, from, to) =>
      storeTime % 3 === 0 ? undefined : new Uint8Array((to - from) % 50).fill(storeTime & 0xff);
  }

  async run(steps: number): Promise<void> {
    await this.open();
    for (let i = 0; i < steps; i += 1) await this.step();
    await this.endTurn();
    this.fixture.disk.heal();
    await this.store.close();
    await this.open();
    this.compare('closed');
    await this.store.close();
  }

  private async step(): Promise<void> {
    const dice = this.random.below(100);
    if (dice < 60) this.append();
    else if (dice < 80) this.endTurnNow();
    else if (dice < 85) await this.endTurn();
    else if (dice < 89) await this.fixture.clock.advance(this.random.below(3000));
    else if (dice < 92) this.readSomething();
    else if (dice < 94) this.breakWrite();
    else if (dice < 96) await this.end('killed');
    else if (dice < 98) await this.end('crashed');
    else await this.end('closed');
  }

  private append(): void {
    const topic = this.random.pick(['a', 'b']);
    const queueId = this.random.below(3);
    const body = `${this.count} ${'x'.repeat(this.random.below(300))}`;
    this.count += 1;
    try {
      const map = mapOf(body);
      this.store.append(draftOf(body, { topic, queueId, map, tagsCode: tagHash(map.TAGS) }));
    } catch (error) {
      // A write in the middle of the turn failed: so does the turn.
      expect((error as { code: string }).code).toBe('STORE_WRITE_FAILED');
      this.failed.add(body);
      return;
    }
    this.turn.push({ queue: `${topic}/${queueId}`, body });
  }

  private breakWrite(): void {
    this.endTurnNow();
    const paths = ['commitlog', 'consumequeue'];
    const path = this.random.pick(this.extension === 'NONE' ? paths : [...paths, extensions]);
    this.fixture.disk.fail({ call: 'write', path });
  }

  private endTurnNow(): void {
    const before = this.turnFailures;
    this.fixture.endTurn();
    for (const { queue, body } of this.turn) {
      if (this.turnFailures > before) this.failed.add(body);
      else this.bodiesOf(queue).push(body);
    }
    this.turn = [];
    for (const [name, bodies] of this.queues) {
      const queue = this.queue(name);
      expect(queue.next).toBe(bodies.length);
      if (!this.store.gate.waits) expect(queue.visible).toBe(bodies.length);
    }
  }

  private turnFailures = 0;

  private async endTurn(): Promise<void> {
    this.endTurnNow();
    await this.fixture.settle();
  }

  private readSomething(): void {
    const name = this.random.pick([...this.queues.keys(), 'a/0']);
    const queue = this.queue(name);
    if (queue.visible === 0) return;
    const from = this.random.below(queue.visible);
    const found = this.store.find(queue, from, 1 + this.random.below(40));
    const bytes = new Uint8Array(found.bytes);
    this.store.read(found, spanOf(bytes));
    let at = 0;
    for (let i = 0; i < found.count; i += 1) {
      const message = new StoredMessage(bytes, undefined, at);
      expect(message.text).toBe(this.bodiesOf(name)[from + i]);
      expect(message.queueOffset).toBe(from + i);
      at += message.storeSize;
    }
    expect(at).toBe(bytes.length);
  }

  /** Ends this life of the store, begins another and compares what is left. */
  private async end(how: 'killed' | 'crashed' | 'closed'): Promise<void> {
    if (how === 'closed') {
      await this.endTurn();
      this.fixture.disk.heal();
      await this.store.close();
    }
    const promised = this.promised(how);
    // What was not written yet may be there or not, like any message without an answer.
    for (const { queue, body } of this.turn) if (how !== 'closed') this.bodiesOf(queue).push(body);
    this.turn = [];
    if (how === 'killed') this.fixture.disk.kill();
    if (how === 'crashed') this.fixture.disk.crash();
    if (this.extension === 'DAMAGED' && this.random.chance(0.3)) this.damage();
    await this.open();
    this.compare(how, promised);
  }

  /** How many messages of each queue must be there in the next life. */
  private promised(how: 'killed' | 'crashed' | 'closed'): Map<string, number> {
    const promised = new Map<string, number>();
    const { durable } = this.store.figures();
    for (const name of this.queues.keys()) {
      const queue = this.queue(name);
      let count = how === 'closed' ? queue.next : queue.visible;
      if (how === 'crashed' && !this.store.gate.waits) {
        const messages = messagesOf(this.store, queue);
        count = messages.filter((one) => one.logPosition + one.storeSize <= durable).length;
      }
      promised.set(name, count);
    }
    return promised;
  }

  private compare(how: string, promised?: Map<string, number>): void {
    for (const [name, bodies] of this.queues) {
      const queue = this.queue(name);
      expect(queue.min).toBe(0);
      expect(queue.visible).toBe(queue.next);
      const messages = messagesOf(this.store, queue);
      for (const [offset, message] of messages.entries()) {
        expect(message.queueOffset).toBe(offset);
        expect(message.isIntact()).toBe(true);
        expect(message.properties).toEqual(mapOf(message.text));
      }
      const untold = messages.filter((message) => !this.isTold(queue, message));
      expect(untold.map(({ queueOffset }) => `${how} ${name}/${queueOffset}`)).toEqual([]);
      const found = messages.map((message) => message.text);
      expect(found).toEqual(bodies.slice(0, found.length));
      const least = promised === undefined ? bodies.length : (promised.get(name) ?? 0);
      expect({ how, name, lost: Math.max(0, least - found.length) }).toEqual({
        how,
        name,
        lost: 0,
      });
      bodies.length = found.length;
    }
  }

  /** Does the queue say of a message what it should? */
  private isTold(queue: ReturnType<MessageStore['queue']>, message: StoredMessage): boolean {
    const { entry, unit, extension } = this;
    if (!queue.entryAt(message.queueOffset, entry)) return false;
    const tagsCode = queue.tagsCodeOf(entry, unit);
    const isExtended = entry.tagsCode < leastTagsCode;
    if (extension === 'DAMAGED' && tagsCode === undefined) return true;
    if (extension !== 'DAMAGED' && isExtended !== (extension === 'KEPT')) return false;
    if (tagsCode !== tagHash(mapOf(message.text).TAGS)) return false;
    // The end of a time may be zeros now: then the bit map says nothing, as it is older.
    if (extension === 'DAMAGED') return !isExtended || unit.storeTime <= message.storeTimestamp;
    return !isExtended || unit.storeTime === message.storeTimestamp;
  }

  /** Loses an extension, a file of it, or a part of one. */
  private damage(): void {
    const { disk } = this.fixture;
    const folder = `/data/store/${extensions}/${this.random.pick(['a', 'b'])}/0`;
    const files = disk.list(folder);
    if (files.length === 0) return;
    const path = `${folder}/${this.random.pick(files)}`;
    const dice = this.random.below(3);
    if (dice === 0) disk.remove(folder);
    else if (dice === 1) disk.remove(`${folder}/${files.at(-1)}`);
    else {
      const from = this.random.below(disk.size(path));
      disk.open(path, 'write').writeAt(new Uint8Array(300), 0, disk.size(path) - from, from);
    }
  }

  private async open(): Promise<void> {
    const isOff = this.extension === 'DAMAGED' && this.random.chance(0.2);
    const enableConsumeQueueExt = this.extension !== 'NONE' && !isOff;
    this.store = await this.fixture.open({ ...this.options, enableConsumeQueueExt });
    this.store.gate.subscribe({
      epochClosing: () => undefined,
      epochDurable: () => undefined,
      epochFailed: (error) => {
        throw error;
      },
      turnFailed: () => (this.turnFailures += 1),
    });
  }

  private bodiesOf(name: string): string[] {
    const bodies = this.queues.get(name) ?? [];
    this.queues.set(name, bodies);
    return bodies;
  }

  private queue(name: string): ReturnType<MessageStore['queue']> {
    const [topic = '', id] = name.split('/');
    return this.store.queue(topic, Number(id));
  }
}

/** Properties that belong to a body, some of them long enough to lie in several sectors. */
function mapOf(body: string): Record<'KEYS' | 'TAGS' | 'LONG', string> {
  const [count = ''] = body.split(' ');
  const LONG = 'k'.repeat(1 + ((body.length * 7) % 900));
  return { KEYS: body.slice(0, 5).trim(), TAGS: `t${count}`, LONG };
}

const extensions = 'consumequeue_ext';

describe('a store keeps its promises on a disk that breaks', () => {
  const seed = seedOfRun();
  const rounds = Number(process.env['PROPERTY_RUNS'] ?? 2);

  it.each([
    ['ASYNC_FLUSH', 'NONE'],
    ['SYNC_FLUSH', 'NONE'],
    ['ASYNC_FLUSH', 'KEPT'],
    ['SYNC_FLUSH', 'DAMAGED'],
  ] as const)(
    `%s, extensions of queues: %s, SEED=${seed}`,
    async (flushDiskType, extension) => {
      for (let round = 0; round < rounds; round += 1) {
        const options = { flushDiskType, mappedFileSizeConsumeQueueExt: 300 };
        const model = new Model(seed + round * 7919, options, extension);
        try {
          await model.run(300);
        } catch (error) {
          throw new Error(`SEED=${seed} failed in round ${round}`, { cause: error });
        }
      }
    },
    20_000 + rounds * 5000,
  );
});
