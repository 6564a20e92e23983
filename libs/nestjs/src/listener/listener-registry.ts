import { Injectable, Logger } from '@nestjs/common';
import type { Clock } from '@nestjs-rocketmq/foundation';
import { ListenerUnknownError, RocketMQClosedError } from '../nestjs.errors.js';
import type { RocketMQListenerOptions } from '../options/listener-options.js';
import type { RocketMQContext } from '../rocketmq.context.js';
import { GroupConsumer } from './group-consumer.js';
import type { ListenerContainer } from './listener-container.js';
import { RegisteredListener, type ListenerHandle, type ListenerReport } from './listener-handle.js';
import type { ListenerPlan } from './listener-plan.js';
import { described, groupKey } from './plan-checks.js';

/**
 * The handler of a listener that is added at run time. `payload` is decoded by the content type of its
 * message, and an array when `batch` is given. What it returns and throws means the same as in a
 * `@RocketMQListener`; enhancers of Nest do not run.
 */
export type ListenerHandler<T = unknown> = (payload: T, context: RocketMQContext) => unknown;

/** A listener that is added at run time: options as in `@RocketMQListener`, and its handler. */
export interface AddedListener<T = unknown> extends Omit<RocketMQListenerOptions, 'payloadType'> {
  /** Unique in the application. */
  readonly id: string;
  readonly handler: ListenerHandler<T>;
}

/** Makes and checks what `add` was given. Throws `RocketMQSetupError`. */
export type ListenerMaker = (
  added: AddedListener<never>,
  others: readonly ListenerPlan[],
) => ListenerContainer;

/** The listeners of the running application. */
@Injectable()
export class RocketMQListenerRegistry {
  private readonly logger = new Logger('RocketMQ');
  private readonly all = new Map<string, RegisteredListener>();
  private readonly containers = new Map<string, ListenerContainer>();
  private make: ListenerMaker | undefined;
  private clock: Clock | undefined;
  private isClosed = false;

  get listeners(): readonly ListenerHandle[] {
    return [...this.all.values()];
  }

  has(id: string): boolean {
    return this.all.has(id);
  }

  /** Throws `ListenerUnknownError`. */
  get(id: string): ListenerHandle {
    return this.listener(id);
  }

  /**
   * Starts one listener, with the others of its group, or every listener that is not disabled, those
   * with `autoStart: false` as well. Rejects with `ListenerUnknownError` or `ListenerDisabledError`.
   */
  async start(id?: string): Promise<void> {
    if (this.isClosed) throw closed();
    if (id !== undefined) return this.listener(id).start();
    await Promise.all(this.consumers().map((consumer) => consumer.start()));
  }

  /** Stops and drains one listener, with the others of its group, or every listener. */
  async stop(id?: string): Promise<void> {
    if (id !== undefined) return this.listener(id).stop();
    await Promise.all(this.consumers().map((consumer) => consumer.stop()));
  }

  /** Stops pulling, for one listener with the others of its group, or for all. */
  pause(id?: string): void {
    if (id !== undefined) this.listener(id).pause();
    else for (const consumer of this.consumers()) consumer.pause();
  }

  resume(id?: string): void {
    if (id !== undefined) this.listener(id).resume();
    else for (const consumer of this.consumers()) consumer.resume();
  }

  /** How the listeners are doing, or one of them. Throws `ListenerUnknownError`. */
  inspect(): readonly ListenerReport[];
  inspect(id: string): ListenerReport;
  inspect(id?: string): ListenerReport | readonly ListenerReport[] {
    if (id !== undefined) return this.listener(id).inspect();
    return [...this.all.values()].map((listener) => listener.inspect());
  }

  /**
   * Adds a listener to the running application and starts it, unless it is disabled or has
   * `autoStart: false`. Its group must be its own. Rejects with `RocketMQSetupError`, and adds
   * nothing, when its options are wrong.
   */
  async add<T = unknown>(added: AddedListener<T>): Promise<ListenerHandle> {
    if (this.isClosed || this.make === undefined) throw closed();
    const plans = [...this.containers.values()].map(({ plan }) => plan);
    const container = this.make(added as AddedListener<never>, plans);
    const [listener] = this.enrol([container]);
    const { consumer } = listener as RegisteredListener;
    if (consumer?.autoStart === true) {
      try {
        await consumer.start();
      } catch (error) {
        this.forget(container.id);
        throw error;
      }
    }
    return listener as ListenerHandle;
  }

  /**
   * Stops a listener and forgets it. One that shares its group stops the others of the group too, and
   * these stay stopped. Rejects with `ListenerUnknownError`.
   */
  async remove(id: string): Promise<void> {
    await this.listener(id).stop();
    this.forget(id);
  }

  /** @internal Takes over the listeners of the application, and what `add` needs. */
  register(containers: readonly ListenerContainer[], clock: Clock, make: ListenerMaker): void {
    this.clock = clock;
    this.make = make;
    this.enrol(containers);
  }

  /** @internal The listener of a group by its `groupKey`, for sentences; disabled ones do not count. */
  ownerOf(key: string): string | undefined {
    const plans = [...this.containers.values()].map(({ plan }) => plan);
    const owner = plans.find(
      (plan) => plan.enabled && groupKey(plan.connection, plan.group) === key,
    );
    return owner && described(owner);
  }

  /** @internal Starts every listener that is to start by itself; when one fails, none stays open. */
  async startAll(): Promise<void> {
    const own = this.consumers().filter((consumer) => consumer.autoStart);
    const started = await Promise.allSettled(own.map((consumer) => consumer.start()));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      await this.stop();
      throw failed.reason;
    }
    const running = [...this.all.values()].filter(({ state }) => state === 'running');
    if (running.length > 0) {
      this.logger.log(`Listening: ${running.map(({ id }) => id).join(', ')}`);
    }
  }

  /** @internal Stops and drains every listener, for good. */
  async stopAll(): Promise<void> {
    this.isClosed = true;
    await this.stop();
  }

  private listener(id: string): RegisteredListener {
    const listener = this.all.get(id);
    if (listener !== undefined) return listener;
    const known = [...this.all.keys()].join(', ') || 'none';
    throw new ListenerUnknownError(`No listener has the id '${id}'; known are ${known}.`, {
      details: { id },
    });
  }

  private consumers(): GroupConsumer[] {
    const all = [...this.all.values()].map(({ consumer }) => consumer);
    return [...new Set(all)].filter((consumer) => consumer !== undefined);
  }

  /** Listeners of one group on one connection get one consumer. */
  private enrol(containers: readonly ListenerContainer[]): RegisteredListener[] {
    const groups = new Map<string, ListenerContainer[]>();
    const keyOf = ({ plan }: ListenerContainer): string =>
      `${plan.connection.settings.name}|${plan.group}`;
    for (const container of containers) {
      if (!container.plan.enabled) continue;
      const key = keyOf(container);
      groups.set(key, [...(groups.get(key) ?? []), container]);
    }
    const consumers = new Map(
      [...groups].map(([key, members]) => [key, new GroupConsumer(members, this.clock as Clock)]),
    );
    return containers.map((container) => {
      const consumer = container.plan.enabled ? consumers.get(keyOf(container)) : undefined;
      const listener = new RegisteredListener(container, consumer);
      this.all.set(container.id, listener);
      this.containers.set(container.id, container);
      return listener;
    });
  }

  private forget(id: string): void {
    this.all.delete(id);
    this.containers.delete(id);
  }
}

function closed(): RocketMQClosedError {
  return new RocketMQClosedError('The listeners of this application have been stopped for good.');
}
