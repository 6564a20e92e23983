import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { queueKey, type MessageQueue } from '@nestjs-rocketmq/message';
import { PullSysFlag, ResponseCode } from '@nestjs-rocketmq/protocol';
import type { PullAnswer } from '../broker-calls.js';
import type { ClientInstance } from '../client-instance.js';
import { TagSubscription } from '../subscription.js';
import { ConcurrentDelivery } from '../consumer/concurrent-delivery.js';
import type { ConsumeVerdict, PushConsumerOptions } from '../consumer/consumer-options.js';
import type { GroupState } from '../consumer/group-state.js';
import { HeldQueues } from '../consumer/held-queues.js';
import type { QueueOffset } from '../consumer/offset-store.js';
import { OrderlyDelivery } from '../consumer/orderly-delivery.js';
import { PushPulls } from '../consumer/push-pulls.js';
import { pushStateOf } from '../consumer/push-state.js';
import { Rebalancer } from '../consumer/rebalancer.js';
import { recordOf } from './records.js';

type PullAsked = Parameters<ClientInstance['calls']['pull']>[1];

/** Something that was asked and waits for `answer` or `fail`. */
interface Pending<T> {
  readonly answer: (value: T) => void;
  readonly fail: (error: Error) => void;
  /** Number of the reset before which it was asked. */
  readonly era: number;
}

interface PendingPull extends Pending<PullAnswer> {
  readonly asked: PullAsked;
}

interface PendingCall extends Pending<ConsumeVerdict> {
  readonly offsets: readonly number[];
}

interface PendingBack extends Pending<void> {
  readonly offset: number;
}

const queue: MessageQueue = { topic: 't', brokerName: 'b', queueId: 0 };
const away = (): Error => new Error('the broker is away');

/**
 * For specs: one queue, the broker that holds it, and a member of its group made of the real parts of
 * a push consumer. Everything that the member asks waits until the spec answers it, in any order.
 * After each step it knows whether the stored offset passed a message that nobody finished, or went
 * back without a reset.
 */
export class ImaginedQueue {
  readonly clock = new ManualClock();
  readonly pulls: PendingPull[] = [];
  readonly calls: PendingCall[] = [];
  readonly backs: PendingBack[] = [];
  readonly writes: Pending<void>[] = [];
  /** What the broker has for the group. */
  stored: number | undefined;
  readFails = false;
  /** The broker is away for writes. */
  writeFails = false;
  /** Messages that pass the broker's filter, by offset. */
  private readonly wanted = new Set<number>();
  private settled = new Set<number>();
  private min = 0;
  private max = 0;
  /** Offsets below do not matter: before the group's beginning, or passed over by a reset. */
  private base = 0;
  private lowest = 0;
  private era = 0;
  /** What counted before a reset that the broker has not heard of: lost when the member is. */
  private beforeReset: { base: number; lowest: number; settled: Set<number> } | undefined;
  private isMine = true;
  /** The first thing that went wrong; the member would swallow what is thrown at it. */
  private wrong: string | undefined;
  private life!: { state: GroupState; held: HeldQueues; rebalancer: Rebalancer; end: () => void };

  constructor(private readonly options: Partial<PushConsumerOptions>) {
    this.begin();
  }

  /** One past the last message. */
  get end(): number {
    return this.max;
  }

  append(kept: readonly boolean[]): void {
    for (const isKept of kept) {
      if (isKept) this.wanted.add(this.max);
      this.max += 1;
    }
  }

  /** The first messages are removed, as by age. */
  expire(count: number): void {
    this.min = Math.min(this.min + count, this.max);
  }

  /** Answers a pull with at most `count` offsets, some of which were filtered out. */
  answerPull(pick: number, count: number): void {
    const pull = take(this.pulls, pick);
    if (pull === undefined) return;
    const from = Number(pull.asked.queueOffset);
    if (from < this.min)
      return pull.answer(this.answerOf(ResponseCode.PULL_OFFSET_MOVED, this.min));
    const to = Math.min(from + count, this.max);
    const found = range(from, to).filter((offset) => this.wanted.has(offset));
    const code = found.length > 0 ? ResponseCode.SUCCESS : ResponseCode.PULL_NOT_FOUND;
    const records = found.map((queueOffset) => recordOf({ topic: 't', text: '', queueOffset }));
    pull.answer(this.answerOf(code, to, Buffer.concat(records)));
  }

  endCall(pick: number, verdict: ConsumeVerdict): void {
    const call = take(this.calls, pick);
    if (call === undefined) return;
    // Broadcast messages that failed are dropped; there is nowhere to give them back to.
    const isSettled = verdict.kind === 'success' || this.options.model === 'broadcasting';
    if (isSettled) this.settle(call, call.offsets);
    call.answer(verdict);
  }

  endBack(pick: number, isTaken: boolean): void {
    const back = take(this.backs, pick);
    if (back === undefined) return;
    if (!isTaken) return back.fail(away());
    this.settle(back, [back.offset]);
    back.answer();
  }

  /** The broker did what it was asked already; its answer arrives, or is lost. */
  endWrite(isGood: boolean): void {
    const write = this.writes.shift();
    if (isGood) write?.answer();
    else write?.fail(away());
  }

  failPull(pick: number): void {
    take(this.pulls, pick)?.fail(away());
  }

  /** The regular round. */
  persist(): void {
    this.life.state.offsets.persist().catch(() => undefined);
  }

  /** An operator moves the group, if this member has the queue; answers whether it has. */
  reset(offset: number): boolean {
    const assigned = this.life.state.assigned.get(queueKey(queue));
    if (assigned === undefined || assigned.isLeaving) return false;
    const { base, lowest, settled } = this;
    this.beforeReset ??= { base, lowest, settled };
    this.era += 1;
    this.base = offset;
    this.lowest = offset;
    this.settled = new Set();
    void this.life.held.reset([{ queue, offset }]);
    return true;
  }

  /** The queue goes to another member, or comes back. */
  share(isMine: boolean): void {
    this.isMine = isMine;
    this.life.rebalancer.request();
  }

  /** What the member that has the queue meanwhile finishes and commits. */
  othersConsume(count: number): void {
    const isFree = !this.isMine && this.life.state.assigned.size === 0 && this.writes.length === 0;
    if (!isFree || this.stored === undefined) return;
    this.forgetReset();
    const to = Math.min(this.stored + count, this.max);
    for (const offset of range(this.stored, to)) this.settled.add(offset);
    this.store(to);
  }

  /** The process dies; another one begins. What it had asked is lost. */
  crash(): void {
    this.life.end();
    for (const all of [this.pulls, this.calls, this.backs, this.writes]) all.length = 0;
    this.begin();
  }

  /** Answers everything well until nothing changes; throws when a message was skipped. */
  async finish(): Promise<void> {
    this.readFails = false;
    this.writeFails = false;
    this.share(true);
    for (let i = 0; i < 400; i += 1) {
      this.check();
      if (this.stored === this.max && this.missing(this.max) === undefined) return;
      while (this.writes.length > 0) this.endWrite(true);
      this.answerAll();
      await this.clock.advance(i % 4 === 3 ? 1_000 : 0);
      this.persist();
    }
    const missing = this.missing(this.max) ?? 'nothing';
    throw new Error(`stuck at ${this.stored} of ${this.max}; not consumed: ${missing}`);
  }

  /** Throws when something went wrong until now. */
  check(): void {
    if (this.wrong !== undefined) throw new Error(this.wrong);
  }

  /** No member lives on. */
  close(): void {
    this.life.end();
  }

  private answerAll(): void {
    for (let left = this.pulls.length; left > 0; left -= 1) {
      const [pull] = this.pulls;
      // A pull at the end is held, as brokers do, instead of being answered at once again and again.
      const isHeld = pull !== undefined && Number(pull.asked.queueOffset) >= this.max;
      if (isHeld && this.stored !== undefined) this.pulls.push(this.pulls.shift() as PendingPull);
      if (isHeld && this.stored === this.max) continue;
      this.answerPull(0, 32);
    }
    while (this.calls.length > 0) this.endCall(0, { kind: 'success' });
    while (this.backs.length > 0) this.endBack(0, true);
  }

  private begin(): void {
    const given: PushConsumerOptions = {
      group: 'g',
      subscriptions: [{ topic: 't' }],
      from: 'first',
      logger: silentLogger,
      listener: (messages) =>
        new Promise((answer, fail) => {
          const offsets = messages.map((one) => one.queueOffset);
          if (this.calls.length > 0 && this.options.mode === 'orderly') {
            this.wrong ??= 'two calls of an orderly queue at once';
          }
          this.calls.push({ answer, fail, offsets, era: this.era });
        }),
      offsetStore: {
        read: () => this.read(),
        write: (offsets) => this.write(offsets),
      },
      instance: this.instance(),
      ...this.options,
    };
    const state = pushStateOf(given);
    state.subscriptions.clear();
    state.subscriptions.set('t', new TagSubscription('t', '*', 1));
    const delivery = state.isOrderly ? new OrderlyDelivery(state) : new ConcurrentDelivery(state);
    const pulls = new PushPulls(state, delivery, (one, offset) => held.move(one, offset));
    const held: HeldQueues = new HeldQueues(state, pulls, state.isOrderly);
    const rebalancer = new Rebalancer(state, held, {
      topics: () => ['t'],
      of: () => Promise.resolve(this.isMine ? [queue] : []),
    });
    delivery.start();
    rebalancer.start();
    rebalancer.request();
    const end = (): void => {
      delivery.close();
      void rebalancer.stop();
      held.dropAll();
    };
    this.life = { state, held, rebalancer, end };
  }

  private read(): Promise<number | undefined> {
    if (this.readFails) return Promise.reject(away());
    this.forgetReset();
    return Promise.resolve(this.stored);
  }

  /** Whoever reads the broker's offset knows nothing of a reset that never reached it. */
  private forgetReset(): void {
    if (this.beforeReset === undefined) return;
    const { base, lowest, settled } = this.beforeReset;
    this.base = base;
    this.lowest = lowest;
    for (const offset of settled) this.settled.add(offset);
    this.beforeReset = undefined;
  }

  private write([row]: readonly QueueOffset[]): Promise<void> {
    if (this.writeFails) return Promise.reject(away());
    this.store((row as QueueOffset).offset);
    return new Promise((answer, fail) => this.writes.push({ answer, fail, era: this.era }));
  }

  /** The stored offset moves: it must not go back, nor pass what nobody finished. */
  private store(offset: number): void {
    this.stored = offset;
    this.beforeReset = undefined;
    if (offset < this.lowest) this.wrong ??= `offset ${offset} goes back from ${this.lowest}`;
    this.lowest = offset;
    const missing = this.missing(offset);
    if (missing !== undefined) this.wrong ??= `offset ${offset} passes ${missing}, not finished`;
  }

  /** The first message below an offset that nobody finished. */
  private missing(below: number): number | undefined {
    return range(Math.max(this.base, this.min), below).find(
      (offset) => this.wanted.has(offset) && !this.settled.has(offset),
    );
  }

  private settle(one: Pending<never>, offsets: readonly number[]): void {
    if (one.era === this.era) for (const offset of offsets) this.settled.add(offset);
  }

  private answerOf(code: number, nextBeginOffset: number, body = new Uint8Array()): PullAnswer {
    const { min: minOffset, max: maxOffset } = this;
    const header = { suggestWhichBrokerId: 0, nextBeginOffset, minOffset, maxOffset };
    return { code, header, body } as unknown as PullAnswer;
  }

  private instance(): ClientInstance {
    const { clock } = this;
    const place = { address: 'b:1', id: 0 };
    const pull = (_: string, asked: PullAsked, { signal }: { readonly signal: AbortSignal }) => {
      const commits = (Number(asked.sysFlag) & PullSysFlag.commitOffset) !== 0;
      if (commits) this.store(Number(asked.commitOffset));
      return new Promise<PullAnswer>((answer, fail) => {
        const over = (): void => signal.removeEventListener('abort', onAbort);
        const pending: PendingPull = {
          answer: (found) => (over(), answer(found)),
          fail: (error) => (over(), fail(error)),
          asked,
          era: this.era,
        };
        const onAbort = (): void => {
          const at = this.pulls.indexOf(pending);
          if (at >= 0) this.pulls.splice(at, 1);
          pending.fail(new Error('aborted'));
        };
        this.pulls.push(pending);
        signal.addEventListener('abort', onAbort);
      });
    };
    const back = (_: string, asked: { offset: number }) =>
      new Promise<void>((answer, fail) => {
        this.backs.push({ answer, fail, offset: asked.offset - 1000, era: this.era });
      });
    const holds = (_: string, __: unknown, queues: readonly MessageQueue[]) =>
      Promise.resolve(queues);
    return {
      clock,
      clientId: 'me',
      logger: silentLogger,
      routes: {
        readAddress: () => place,
        masterAddress: () => place.address,
        known: () => undefined,
        find: () => Promise.reject(away()),
        refresh: () => Promise.reject(away()),
      },
      calls: {
        pull,
        sendBack: back,
        minOffset: () => Promise.resolve(this.min),
        lockQueues: holds,
        unlockQueues: () => Promise.resolve(),
      },
    } as unknown as ClientInstance;
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

/** Takes one of a list out, by any number. */
function take<T>(all: T[], pick: number): T | undefined {
  return all.length === 0 ? undefined : all.splice(pick % all.length, 1)[0];
}
