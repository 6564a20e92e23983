import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { PortBatch, PortPullOptions, PullPort } from '../index.js';

/** A pull consumer without servers: hands out what a spec puts into it. */
export class FakePull implements PullPort {
  readonly commits: { readonly offsets: readonly [number, number][]; readonly persist: boolean }[] =
    [];
  /** What the next calls reject with. */
  failWith: Error | undefined;
  private readonly batches: PortBatch[] = [];
  private wake: () => void = () => undefined;
  private isClosed = false;

  constructor(
    private readonly note: (event: string) => Promise<void>,
    readonly options: PortPullOptions,
  ) {}

  /** Messages of one queue, whose offsets count on from `first`. */
  put(queueId: number, first: number, ...messages: StoredMessage[]): void {
    const queue = { topic: 'orders', brokerName: 'fake', queueId };
    const placed = messages.map((message, at) =>
      Object.defineProperty(message, 'queueOffset', { value: first + at }),
    );
    this.batches.push({ queue, messages: placed, offset: first + messages.length });
    this.wake();
  }

  start(): Promise<void> {
    return this.note(`start pull ${this.options.group}`);
  }

  /** Waits without end for `timeout` over 0: specs put messages or close. */
  async poll(timeout: number): Promise<PortBatch | undefined> {
    if (this.failWith !== undefined) throw this.failWith;
    const isPatient = (): boolean => timeout > 0 && !this.isClosed;
    while (this.batches.length === 0 && isPatient()) {
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    return this.batches.shift();
  }

  async commit(
    offsets: readonly { readonly queue: { readonly queueId: number }; readonly offset: number }[],
    persist: boolean,
  ): Promise<void> {
    if (this.failWith !== undefined) throw this.failWith;
    const told = offsets.map(({ queue, offset }): [number, number] => [queue.queueId, offset]);
    this.commits.push({ offsets: told, persist });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.wake();
    await this.note(`close pull ${this.options.group}`);
  }
}
