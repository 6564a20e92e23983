import { Injectable, Logger } from '@nestjs/common';
import { messageOf } from '@nestjs-rocketmq/foundation';
import { Observable } from 'rxjs';
import {
  eventNames,
  type RocketMQEvent,
  type RocketMQEventMap,
  type RocketMQEventName,
} from './event-types.js';

type Handler = (event: never) => unknown;

/**
 * What happens to listeners, connections and messages, as it happens. Injectable everywhere; the
 * form for methods is `@OnRocketMQEvent`. What a handler throws is logged and changes nothing.
 */
@Injectable()
export class RocketMQEvents {
  private readonly logger = new Logger('RocketMQ:Events');
  private readonly handlers = new Map<RocketMQEventName, Set<Handler>>();

  /** Calls `handler` at every event of the name from now on; answers how to stop that. */
  on<K extends RocketMQEventName>(
    name: K,
    handler: (event: RocketMQEventMap[K]) => unknown,
  ): () => void {
    const all = this.handlers.get(name) ?? new Set<Handler>();
    // One function may be given twice, and each of them is taken back for itself.
    const own: Handler = (event) => handler(event);
    this.handlers.set(name, all.add(own));
    return () => void all.delete(own);
  }

  /** The events of these names (all of them when none is given), from the subscription on. */
  stream<K extends RocketMQEventName = RocketMQEventName>(
    ...names: readonly K[]
  ): Observable<Extract<RocketMQEvent, { type: K }>> {
    const wanted: readonly RocketMQEventName[] = names.length === 0 ? eventNames : names;
    return new Observable((subscriber) => {
      const stops = wanted.map((type) =>
        this.on(type, (event) =>
          subscriber.next({ type, ...event } as Extract<RocketMQEvent, { type: K }>),
        ),
      );
      return () => stops.forEach((stop) => stop());
    });
  }

  /** @internal Somebody wants to know: only then an event is made. */
  wants(name: RocketMQEventName): boolean {
    return (this.handlers.get(name)?.size ?? 0) > 0;
  }

  /** @internal Tells everybody who wants to know. */
  emit<K extends RocketMQEventName>(name: K, event: RocketMQEventMap[K]): void {
    // A handler that takes itself back during the call does not disturb a Set.
    for (const handler of this.handlers.get(name) ?? []) {
      try {
        const result = handler(event as never);
        if (result instanceof Promise) result.catch((error: unknown) => this.tell(name, error));
      } catch (error) {
        this.tell(name, error);
      }
    }
  }

  private tell(name: string, error: unknown): void {
    this.logger.error(
      `A handler of the event '${name}' failed: ${messageOf(error)}`,
      error instanceof Error ? error.stack : undefined,
    );
  }
}
