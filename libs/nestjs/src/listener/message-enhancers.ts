import {
  type ApplicationConfig,
  ExternalContextCreator,
  ModuleRef,
  type NestContainer,
} from '@nestjs/core';

/** Kinds of Nest's enhancers. */
export type EnhancerKind = 'guards' | 'interceptors' | 'pipes' | 'filters';

export const enhancerKinds: readonly EnhancerKind[] = [
  'guards',
  'interceptors',
  'pipes',
  'filters',
];

/** What no filter of the application has caught: not logged by Nest, and thrown on by us. */
export class Uncaught {
  constructor(readonly error: unknown) {}
}

/** The last of all filters. Nest logs what reaches its own; a listener logs each failure itself. */
class LastFilter {
  catch(error: unknown): Uncaught {
    return new Uncaught(error);
  }
}

const globalsOf = {
  guards: ['getGlobalGuards', 'getGlobalRequestGuards'],
  interceptors: ['getGlobalInterceptors', 'getGlobalRequestInterceptors'],
  pipes: ['getGlobalPipes', 'getGlobalRequestPipes'],
  filters: ['getGlobalFilters', 'getGlobalRequestFilters'],
} as const;

/** The application's global enhancers of one kind; request-scoped ones as Nest's records of them. */
export function globalEnhancers(config: ApplicationConfig, kind: EnhancerKind): unknown[] {
  const [fixed, scoped] = globalsOf[kind];
  return [...config[fixed](), ...config[scoped]()];
}

/** Calls handlers as Nest does, with the wanted kinds of global enhancers only. */
export function messageContextCreator(
  moduleRef: ModuleRef,
  config: ApplicationConfig,
  kinds: readonly EnhancerKind[],
): ExternalContextCreator {
  // Both stand for the application's own in every respect but the global enhancers.
  const own = Object.create(config) as ApplicationConfig;
  for (const kind of enhancerKinds) {
    if (kinds.includes(kind)) continue;
    for (const name of globalsOf[kind])
      Object.defineProperty(own, name, { value: () => [], configurable: true });
  }
  const filters = kinds.includes('filters');
  Object.defineProperty(own, 'getGlobalFilters', {
    // Nest asks the filters from the method's to the first global one.
    value: () => [new LastFilter(), ...(filters ? config.getGlobalFilters() : [])],
  });
  const container = Object.create(containerOf(moduleRef)) as NestContainer;
  Object.defineProperty(container, 'applicationConfig', { value: own });
  return ExternalContextCreator.fromContainer(container);
}

/** A class of Nest's shows its subclasses the container; this is one that asks another for it. */
abstract class ContainerReader extends ModuleRef {
  static of(moduleRef: ModuleRef): NestContainer {
    return (moduleRef as ContainerReader).container;
  }
}

function containerOf(moduleRef: ModuleRef): NestContainer {
  return ContainerReader.of(moduleRef);
}
