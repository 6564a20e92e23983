import { spanOf } from '@nestjs-rocketmq/foundation';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { StoredMessage } from '@nestjs-rocketmq/message';
import type { MessageStore, StoreOptions } from '@nestjs-rocketmq/store';
import { draftOf, messagesOf, smallFiles, StoreFixture } from '@nestjs-rocketmq/store/testing';

/**
 * A store on a disk that breaks, beside a model of what it promises:
 *
 * - what was shown stays, in its place, while the process lives and when it is killed;
 * - with SYNC_FLUSH what was shown also survives a power failure, with ASYNC_FLUSH all that was
 *   durable does;
 * - what survives of a queue is a beginning of it: no holes, no changes, nothing twice;
 * - a message that failed is not shown in this life;
 * - offsets go up by one, and every message that is read has its checksum and its own place.
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
  private count = 0;

  constructor(
    seed: number,
    private readonly options: Partial<StoreOptions>,
  ) {
    this.random = new SeededRandom(seed);
    this.fixture = new StoreFixture(seed + 1, { ...smallFiles, ...options });
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
      this.store.append(draftOf(body, { topic, queueId, map: mapOf(body) }));
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
    const path = this.random.pick(['commitlog', 'consumequeue']);
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

  private async open(): Promise<void> {
    this.store = await this.fixture.open(this.options);
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
function mapOf(body: string): Record<string, string> {
  return { KEYS: body.slice(0, 5).trim(), LONG: 'k'.repeat(1 + ((body.length * 7) % 900)) };
}

describe('a store keeps its promises on a disk that breaks', () => {
  const seed = seedOfRun();
  const rounds = Number(process.env['PROPERTY_RUNS'] ?? 2);

  it.each(['ASYNC_FLUSH', 'SYNC_FLUSH'] as const)(
    `%s, SEED=${seed}`,
    async (flushDiskType) => {
      for (let round = 0; round < rounds; round += 1) {
        const model = new Model(seed + round * 7919, { flushDiskType });
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
