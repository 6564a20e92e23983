import 'reflect-metadata';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { ApplicationConfig, ModuleRef, type ExternalContextCreator } from '@nestjs/core';
import { parametersOf } from './handler-parameters.js';
import {
  enhancerKinds,
  globalEnhancers,
  messageContextCreator,
  type EnhancerKind,
} from './message-enhancers.js';
import type { FoundListener } from './rocketmq.explorer.js';

/** Where Nest keeps the enhancers of a class or method; a spec compares them with Nest's own. */
export const enhancerMetadata: Readonly<Record<EnhancerKind, string>> = {
  guards: '__guards__',
  interceptors: '__interceptors__',
  pipes: '__pipes__',
  filters: '__exceptionFilters__',
};

/** Tells what of Nest stands between a message and its handler. */
@Injectable()
export class HandlerEnhancers {
  private readonly logger = new Logger('RocketMQ');
  private readonly creators = new Map<string, ExternalContextCreator>();
  private isWarned = false;

  constructor(
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {}

  /** True: the handler may be called directly, Nest would add nothing. */
  isPlain(found: FoundListener): boolean {
    const kinds = wantedGlobals(found);
    const hasGlobals = kinds.some((kind) => globalEnhancers(this.config, kind).length > 0);
    return !hasGlobals && !hasOwnEnhancers(found) && !hasParameterWork(found);
  }

  /** What calls the handler with its enhancers. */
  creatorFor(found: FoundListener): ExternalContextCreator {
    const kinds = wantedGlobals(found);
    const key = kinds.join();
    let creator = this.creators.get(key);
    if (creator === undefined) {
      creator = messageContextCreator(this.moduleRef, this.config, kinds);
      this.creators.set(key, creator);
    }
    return creator;
  }

  /** Pipes of the application and of the listener's class, method and parameters, as they stand. */
  pipesOf(found: FoundListener): unknown[] {
    const globals = wantedGlobals(found).includes('pipes')
      ? globalEnhancers(this.config, 'pipes')
      : [];
    const own = Object.values(parametersOf(found)).flatMap(({ pipes }) => pipes ?? []);
    return [...globals, ...ownEnhancers(found, 'pipes'), ...own];
  }

  /**
   * Guards and filters written for HTTP fail at messages in ways that are hard to understand, so
   * one warning for the application tells that messages meet them, unless a listener says that
   * it wants them.
   */
  warnOfGlobals(found: FoundListener): void {
    if (this.isWarned || found.options.globalEnhancers !== undefined) return;
    const met = (['guards', 'filters'] as const).flatMap((kind) =>
      globalEnhancers(this.config, kind).map(nameOf),
    );
    if (met.length === 0) return;
    this.isWarned = true;
    this.logger.warn(
      `${found.name} meets global guards or filters of the application too: ${met.join(', ')}. ` +
        'Those that are written for HTTP should pass messages by (isRocketMQContext(context)), or ' +
        "write globalEnhancers: ['pipes', 'interceptors'] under 'consumer' of the module options " +
        'or at the listener; globalEnhancers: true says that it is meant so.',
    );
  }
}

function wantedGlobals({ options }: FoundListener): readonly EnhancerKind[] {
  const { globalEnhancers: given = true } = options;
  if (typeof given === 'boolean') return given ? enhancerKinds : [];
  return enhancerKinds.filter((kind) => given.includes(kind));
}

function ownEnhancers({ host, method }: FoundListener, kind: EnhancerKind): unknown[] {
  const handler = (host.classRef.prototype as Record<string, object>)[method] as object;
  return [host.classRef, handler].flatMap((target) => {
    const list: unknown = Reflect.getMetadata(enhancerMetadata[kind], target);
    return Array.isArray(list) ? (list as unknown[]) : [];
  });
}

function hasOwnEnhancers(found: FoundListener): boolean {
  return enhancerKinds.some((kind) => ownEnhancers(found, kind).length > 0);
}

/** Pipes of a parameter, or a decorator of the application, which Nest gives its own context. */
function hasParameterWork(found: FoundListener): boolean {
  return Object.entries(parametersOf(found)).some(([key, { pipes, schema }]) => {
    const isOurs = /^\d+:\d+$/.test(key);
    return !isOurs || schema !== undefined || (pipes?.length ?? 0) > 0;
  });
}

function nameOf(enhancer: unknown): string {
  const { name, constructor } = enhancer as { name?: unknown; constructor: { name: string } };
  return typeof name === 'string' ? name : constructor.name;
}
