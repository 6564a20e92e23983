import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { nearestName } from '@nestjs-rocketmq/foundation';
import type { EventMark } from '../decorators/on-event.decorator.js';
import { HostResolver, type HandlerHost } from '../listener/handler-host.js';
import type { Problems } from '../options/problems.js';
import { EVENT_METADATA } from '../rocketmq.constants.js';
import { eventNames, type RocketMQEventBase } from './event-types.js';
import { RocketMQEvents } from './rocketmq-events.js';

interface MarkedMethod {
  readonly host: HandlerHost;
  readonly method: string;
  readonly mark: EventMark;
}

/** Finds `@OnRocketMQEvent` and makes the methods handlers of events. */
@Injectable()
export class EventBinder {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(HostResolver) private readonly hosts: HostResolver,
    @Inject(RocketMQEvents) private readonly events: RocketMQEvents,
  ) {}

  /** `connections` are the names there are. What is wrong goes to `problems`. */
  bind(connections: readonly string[], problems: Problems): void {
    for (const { host, method, mark } of this.marked()) {
      const where = `${host.classRef.name}.${method} (@OnRocketMQEvent)`;
      const problem = this.problemOf(host, mark, connections);
      if (problem !== undefined) {
        problems.add('ROCKETMQ_EVENT_INVALID', `${where}: ${problem}`);
        continue;
      }
      const instance = host.singleton as Record<string, (event: RocketMQEventBase) => unknown>;
      const { connection } = mark.options;
      this.events.on(mark.name, (event) => {
        if (connection !== undefined && event.connection !== connection) return undefined;
        return instance[method]?.(event);
      });
    }
  }

  private problemOf(
    host: HandlerHost,
    { name, options }: EventMark,
    connections: readonly string[],
  ): string | undefined {
    if (!eventNames.includes(name)) {
      const near = nearestName(name, eventNames);
      const hint =
        near === undefined ? `known are ${eventNames.join(', ')}` : `did you mean '${near}'?`;
      return `'${String(name)}' is not an event; ${hint}`;
    }
    const { connection } = options;
    if (connection !== undefined && !connections.includes(connection)) {
      return `there is no connection '${connection}'; known are ${connections.join(', ')}`;
    }
    if (host.singleton !== undefined) return undefined;
    return (
      'the class is request-scoped or transient, and an event belongs to no request; put the ' +
      'method into a provider that Nest makes once'
    );
  }

  /** Every marked method once, although several modules may provide its class. */
  private marked(): MarkedMethod[] {
    const seen = new Set<object>();
    const found: MarkedMethod[] = [];
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const host = this.hosts.hostOf(wrapper);
      if (host === undefined || seen.has(host.classRef)) continue;
      seen.add(host.classRef);
      const prototype = host.classRef.prototype as Record<string, object>;
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        const handler = prototype[method];
        if (handler === undefined) continue;
        const marks = (Reflect.getOwnMetadata(EVENT_METADATA, handler) ?? []) as EventMark[];
        for (const mark of marks) found.push({ host, method, mark });
      }
    }
    return found;
  }
}
