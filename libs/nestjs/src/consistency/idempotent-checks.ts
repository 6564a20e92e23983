import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { RocketMQListenerOptions } from '../options/listener-options.js';
import { CLASS_LISTENER_METHODS, LISTENER_METADATA } from '../rocketmq.constants.js';
import { ConsistencySetupError } from './consistency.errors.js';
import { IDEMPOTENT_METADATA } from './idempotent.metadata.js';

type Constructor = abstract new (...args: never[]) => object;

/** Finds `@Idempotent` where it cannot work, when the application starts. */
@Injectable()
export class IdempotentChecks {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
  ) {}

  /** Throws `ConsistencySetupError` with every such method. */
  check(): void {
    const classes = new Set<Constructor>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const { metatype } = wrapper;
      if (typeof metatype === 'function' && metatype.prototype !== undefined) {
        classes.add(metatype as Constructor);
      }
    }
    const problems = [...classes].flatMap((type) => this.problemsOf(type));
    if (problems.length === 0) return;
    throw new ConsistencySetupError(problems.join('\n'), { details: { problems } });
  }

  private problemsOf(type: Constructor): string[] {
    const prototype = type.prototype as Record<string, unknown>;
    return this.scanner.getAllMethodNames(prototype).flatMap((method) => {
      const host = prototype[method] as object;
      if (Reflect.getMetadata(IDEMPOTENT_METADATA, host) === undefined) return [];
      const where = `@Idempotent on ${type.name}.${method}`;
      const isOfClass = CLASS_LISTENER_METHODS.some((name) => name === method);
      if (!Reflect.hasMetadata(LISTENER_METADATA, host) && !isOfClass) return [];
      const holder = Reflect.hasMetadata(LISTENER_METADATA, host) ? host : type;
      const listeners = (Reflect.getMetadata(LISTENER_METADATA, holder) ??
        []) as RocketMQListenerOptions[];
      const isBatch = listeners.some((listener) => listener.batch !== undefined);
      if (!isBatch) return [];
      return [
        `${where}: a batch listener handles many messages in one call, which have many keys; ` +
          "leave out 'batch', or call IdempotencyService.once for each message.",
      ];
    });
  }
}
