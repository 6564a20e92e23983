import { Inject, Injectable, type Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, type ContextId, type DiscoveryService } from '@nestjs/core';

export type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** The instance for one message, and the context its dependencies were made in. */
export interface HostInstance {
  readonly instance: object;
  readonly contextId?: ContextId;
}

/** The provider or controller that a decorated class is in this application. */
export interface HandlerHost {
  readonly classRef: Type<object>;
  /** Its node in Nest's graph of the application. */
  readonly nodeId: string;
  /** The one instance; undefined for request-scoped and transient classes. */
  readonly singleton: object | undefined;
  /** An instance for one message: made anew unless there is a singleton. */
  forMessage(request: unknown): Promise<HostInstance>;
}

/** Finds the class and the instance behind Nest's records of providers. */
@Injectable()
export class HostResolver {
  constructor(@Inject(ModuleRef) private readonly moduleRef: ModuleRef) {}

  /** Undefined for aliases, plain values and what has no class. */
  hostOf(wrapper: InstanceWrapper): HandlerHost | undefined {
    if (wrapper.isAlias) return undefined;
    const classRef = classOf(wrapper);
    if (classRef?.prototype === undefined || classRef.prototype === Object.prototype) {
      return undefined;
    }
    const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
    if (!isStatic) return this.contextual(wrapper, classRef);
    const { instance } = wrapper;
    // An overridden provider keeps its class but is something else: nothing to call there.
    if (!(instance instanceof classRef)) return undefined;
    const forMessage = (): Promise<HostInstance> => Promise.resolve({ instance });
    return { classRef, nodeId: wrapper.id, singleton: instance, forMessage };
  }

  private contextual(wrapper: InstanceWrapper, classRef: Type<object>): HandlerHost {
    const forMessage = async (request: unknown): Promise<HostInstance> => {
      const contextId = ContextIdFactory.getByRequest(request as object);
      this.moduleRef.registerRequestByContextId(request, contextId);
      const token = wrapper.token as Type<object>;
      const instance = await this.moduleRef.resolve<object>(token, contextId, { strict: false });
      return { instance, contextId };
    };
    return { classRef, nodeId: wrapper.id, singleton: undefined, forMessage };
  }
}

function classOf(wrapper: InstanceWrapper): Type<object> | undefined {
  // `metatype` of a factory provider is the factory, of a value provider null.
  const isFactory = wrapper.inject !== undefined && wrapper.inject !== null;
  if (typeof wrapper.metatype === 'function' && !isFactory) return wrapper.metatype as Type<object>;
  const instance = wrapper.instance as object | undefined | null;
  return typeof instance === 'object' && instance !== null
    ? (instance.constructor as Type<object> | undefined)
    : undefined;
}
