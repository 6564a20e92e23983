import { Inject, Injectable, Logger } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { MarkedReply, ReplyOptions } from '../decorators/reply-listener.decorator.js';
import type { RocketMQTransactionListenerOptions } from '../decorators/transaction-listener.decorator.js';
import type { RocketMQListenerOptions } from '../options/listener-options.js';
import {
  CLASS_LISTENER_METHODS,
  LISTENER_METADATA,
  REPLY_LISTENER_METADATA,
  TRANSACTION_LISTENER_METADATA,
} from '../rocketmq.constants.js';
import { HostResolver, type HandlerHost, type InstanceWrapper } from './handler-host.js';

/** A `@RocketMQListener` as it stands in the application. */
export interface FoundListener {
  /** `Class.method`; a further decorator of the same method gets `#2`. */
  readonly name: string;
  readonly method: string;
  readonly host: HandlerHost;
  readonly options: RocketMQListenerOptions;
  /** The decorator stands on the class. */
  readonly isClassForm: boolean;
  /** It is a `@RocketMQReplyListener`. */
  readonly reply?: ReplyOptions | undefined;
}

/** The decorator that made a listener, for sentences. */
export function decoratorOf(found: Pick<FoundListener, 'reply'> | undefined): string {
  return found?.reply === undefined ? '@RocketMQListener' : '@RocketMQReplyListener';
}

/** A `@RocketMQTransactionListener` as it stands in the application. */
export interface FoundTransactionListener {
  readonly name: string;
  readonly host: HandlerHost;
  readonly options: RocketMQTransactionListenerOptions;
}

/** Finds what our decorators marked; starts nothing. */
@Injectable()
export class RocketMQExplorer {
  private readonly logger = new Logger('RocketMQ');

  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
    @Inject(HostResolver) private readonly hosts: HostResolver,
  ) {}

  listeners(): FoundListener[] {
    const hosts = this.hostsOnce(LISTENER_METADATA, (host) => this.listenersOf(host));
    return hosts.flatMap((host) => {
      const found = this.listenersOf(host);
      const methods = new Set(found.map(({ method }) => `${host.classRef.name}.${method}`));
      if (host.singleton === undefined) this.warnOfScope([...methods].join(' and '));
      return found;
    });
  }

  transactionListeners(): FoundTransactionListener[] {
    const key = TRANSACTION_LISTENER_METADATA;
    const isMarked = (host: HandlerHost) =>
      Reflect.hasOwnMetadata(key, host.classRef) ? [host] : [];
    return this.hostsOnce(key, isMarked).map((host) => {
      const { name } = host.classRef;
      if (host.singleton === undefined) this.warnOfScope(name);
      const options = Reflect.getOwnMetadata(
        key,
        host.classRef,
      ) as RocketMQTransactionListenerOptions;
      return { name, host, options };
    });
  }

  /** A provider of the application that looks like Nest's `ConfigService`. */
  configService(): { get(name: string): unknown } | undefined {
    for (const wrapper of this.discovery.getProviders()) {
      const type = wrapper.metatype as { name?: string } | null;
      const instance = wrapper.instance as { get?: unknown } | undefined;
      if (type?.name === 'ConfigService' && typeof instance?.get === 'function') {
        return instance as { get(name: string): unknown };
      }
    }
    return undefined;
  }

  /** Every marked class once, although several modules may provide it. */
  private hostsOnce(key: string, marks: (host: HandlerHost) => unknown[]): HandlerHost[] {
    const seen = new Map<object, { readonly host: HandlerHost; readonly modules: string[] }>();
    for (const wrapper of this.wrappers()) {
      const host = this.hosts.hostOf(wrapper);
      if (host === undefined) continue;
      const module = wrapper.host?.name ?? 'a module';
      const known = seen.get(host.classRef);
      if (known === undefined) seen.set(host.classRef, { host, modules: [module] });
      else known.modules.push(module);
    }
    return [...seen.values()].flatMap(({ host, modules }) => {
      if (key === LISTENER_METADATA) this.warnOfOverridden(host);
      if (marks(host).length > 0) {
        if (modules.length > 1) this.warnOfModules(host, modules);
        return [host];
      }
      this.warnOfSubclass(key, host);
      return [];
    });
  }

  private warnOfModules({ classRef }: HandlerHost, modules: readonly string[]): void {
    this.logger.warn(
      `${classRef.name} is provided by several modules (${modules.join(', ')}); it listens once, ` +
        `as the provider of ${modules[0]}. List it in one module and export it from there.`,
    );
  }

  private warnOfScope(what: string): void {
    this.logger.warn(
      `${what}: the class is request-scoped or transient, or injects what is. Nest makes a new one ` +
        'for every message, which costs time; leave the scope out where that is not needed.',
    );
  }

  private wrappers(): InstanceWrapper[] {
    return [...this.discovery.getProviders(), ...this.discovery.getControllers()];
  }

  private listenersOf(host: HandlerHost): FoundListener[] {
    const { classRef } = host;
    const prototype = classRef.prototype as Record<string, object>;
    const found: FoundListener[] = [];
    const add = (method: string, marked: object, isClassForm: boolean): void => {
      const all = (Reflect.getOwnMetadata(LISTENER_METADATA, marked) ??
        []) as RocketMQListenerOptions[];
      const replies = (Reflect.getOwnMetadata(REPLY_LISTENER_METADATA, marked) ??
        []) as MarkedReply[];
      all.forEach((options, at) => {
        const name = `${classRef.name}.${method}${at === 0 ? '' : `#${at + 1}`}`;
        const reply = replies.find(({ listener }) => listener === options)?.reply;
        found.push({ name, method, host, options, isClassForm, reply });
      });
    };
    const [usual] = CLASS_LISTENER_METHODS;
    const ofClass = CLASS_LISTENER_METHODS.find((name) => typeof prototype[name] === 'function');
    add(ofClass ?? usual, classRef, true);
    for (const method of this.scanner.getAllMethodNames(prototype)) {
      const handler = prototype[method];
      if (handler !== undefined) add(method, handler, false);
    }
    return found;
  }

  /** A class decorator is not inherited, which surprises people: say so. */
  private warnOfSubclass(key: string, host: HandlerHost): void {
    if (!Reflect.hasMetadata(key, host.classRef)) return;
    const isReply = Reflect.hasMetadata(REPLY_LISTENER_METADATA, host.classRef);
    const decorator =
      key === LISTENER_METADATA
        ? decoratorOf(isReply ? { reply: {} } : undefined)
        : '@RocketMQTransactionListener';
    this.logger.warn(
      `${host.classRef.name} extends a class with ${decorator}, but does not listen: ` +
        'the decorator of a class is not inherited. Put it on the subclass too if it shall.',
    );
  }

  /** An override is another function, without the decorator of the one it takes the place of. */
  private warnOfOverridden({ classRef }: HandlerHost): void {
    const isMarked = (prototype: object, method: string): boolean => {
      const handler = Object.getOwnPropertyDescriptor(prototype, method)?.value as unknown;
      return typeof handler === 'function' && Reflect.hasOwnMetadata(LISTENER_METADATA, handler);
    };
    const own = classRef.prototype as object;
    const above: object[] = [];
    for (let one = Object.getPrototypeOf(own) as object | null; one !== null;) {
      above.push(one);
      one = Object.getPrototypeOf(one) as object | null;
    }
    for (const method of Object.getOwnPropertyNames(own)) {
      if (method === 'constructor') continue;
      if (isMarked(own, method) || !above.some((one) => isMarked(one, method))) continue;
      this.logger.warn(
        `${classRef.name}.${method} overrides a method with a decorator that makes it a listener, ` +
          'but does not listen: decorators are not inherited by overrides. Put it on ' +
          `${classRef.name}.${method} too if it shall.`,
      );
    }
  }
}
