import { Injectable, Logger } from '@nestjs/common';
import { ListenerUnknownError } from '../nestjs.errors.js';
import type { ListenerContainer, ListenerState } from './listener-container.js';
import type { Subscription } from './listener-plan.js';

/** A listener as the registry shows it. */
export interface ListenerHandle {
  readonly id: string;
  readonly group: string;
  readonly connection: string;
  readonly subscriptions: readonly Subscription[];
  readonly state: ListenerState;
  /** How many calls of the handler are under way. */
  readonly inHand: number;
  pause(): void;
  resume(): void;
}

/** The listeners of the running application. */
@Injectable()
export class RocketMQListenerRegistry {
  private readonly logger = new Logger('RocketMQ');
  private readonly containers = new Map<string, ListenerContainer>();

  get listeners(): readonly ListenerHandle[] {
    return [...this.containers.values()];
  }

  /** Throws `ListenerUnknownError`. */
  get(id: string): ListenerHandle {
    const container = this.containers.get(id);
    if (container !== undefined) return container;
    const known = [...this.containers.keys()].join(', ') || 'none';
    throw new ListenerUnknownError(`No listener has the id '${id}'; known are ${known}.`, {
      details: { id },
    });
  }

  /** @internal Takes over a listener, before `startAll`. */
  add(container: ListenerContainer): void {
    this.containers.set(container.id, container);
  }

  /** @internal Starts every enabled listener; when one fails, none stays open. */
  async startAll(): Promise<void> {
    const all = [...this.containers.values()];
    const started = await Promise.allSettled(all.map((container) => container.start()));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      await this.stopAll();
      throw failed.reason;
    }
    const running = all.filter((container) => container.state === 'running');
    if (running.length > 0) {
      this.logger.log(`Listening: ${running.map(({ id }) => id).join(', ')}`);
    }
  }

  /** @internal Stops and drains every listener. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.containers.values()].map((container) => container.stop()));
  }
}
