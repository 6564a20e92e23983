import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { parametersOf } from './handler-parameters.js';
import type { FoundListener } from './rocketmq.explorer.js';

/** Where Nest keeps the enhancers of a class or method; a spec compares them with Nest's own. */
export const enhancerMetadata = {
  guards: '__guards__',
  interceptors: '__interceptors__',
  pipes: '__pipes__',
  filters: '__exceptionFilters__',
} as const;

export type EnhancerKind = keyof typeof enhancerMetadata;

/** Tells whether anything of Nest stands between a message and its handler. */
@Injectable()
export class HandlerEnhancers {
  constructor(@Inject(ApplicationConfig) private readonly config: ApplicationConfig) {}

  /** True: the handler may be called directly, Nest would add nothing. */
  isPlain(found: FoundListener): boolean {
    return this.globalKinds().length === 0 && !hasOwnEnhancers(found) && !hasParameterWork(found);
  }

  /** Kinds of which the application has global ones, request-scoped ones included. */
  globalKinds(): EnhancerKind[] {
    const { config } = this;
    const counts: Record<EnhancerKind, number> = {
      guards: config.getGlobalGuards().length + config.getGlobalRequestGuards().length,
      interceptors:
        config.getGlobalInterceptors().length + config.getGlobalRequestInterceptors().length,
      pipes: config.getGlobalPipes().length + config.getGlobalRequestPipes().length,
      filters: config.getGlobalFilters().length + config.getGlobalRequestFilters().length,
    };
    return (Object.keys(counts) as EnhancerKind[]).filter((kind) => counts[kind] > 0);
  }
}

function hasOwnEnhancers({ host, method }: FoundListener): boolean {
  const handler = (host.classRef.prototype as Record<string, object>)[method] as object;
  return Object.values(enhancerMetadata).some((key) =>
    [host.classRef, handler].some((target) => {
      const list: unknown = Reflect.getMetadata(key, target);
      return Array.isArray(list) && list.length > 0;
    }),
  );
}

/** Pipes of a parameter, or a decorator of the application, which Nest gives its own context. */
function hasParameterWork(found: FoundListener): boolean {
  return Object.entries(parametersOf(found)).some(([key, { pipes, schema }]) => {
    const isOurs = /^\d+:\d+$/.test(key);
    return !isOurs || schema !== undefined || (pipes?.length ?? 0) > 0;
  });
}
