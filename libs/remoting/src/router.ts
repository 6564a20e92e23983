import { StoreIdentity } from '@nestjs-rocketmq/protocol';
import type {
  Answering,
  AnswerBody,
  AskBody,
  Asked,
  AskedView,
  CommandDefinition,
  ResponseName,
} from '@nestjs-rocketmq/protocol';
import type { Peer } from './peer.js';
import type { Reply } from './reply.js';
import { RouteError } from './remoting.errors.js';

/** What a cold handler knows beside the header fields. */
export interface Call<C extends CommandDefinition = CommandDefinition> {
  readonly body: AskBody<C>;
  /** Who asks. */
  readonly peer: Peer;
  /** All ext fields as they came, the declared ones included. */
  readonly extFields: Readonly<Record<string, string>>;
  /** The remark of the request. */
  readonly remark: string | undefined;
  /** Ordinal of Apache's version enum; 0 when the request does not say. */
  readonly version: number;
  readonly language: string;
  /** Nobody waits for the answer. */
  readonly oneway: boolean;
}

/** What a cold handler answers. Everything may be left out: SUCCESS without header and body. */
export interface Outcome<C extends CommandDefinition = CommandDefinition> {
  /** Default SUCCESS. */
  readonly code?: ResponseName | undefined;
  readonly remark?: string | undefined;
  /** All required fields for SUCCESS. */
  readonly header?: Partial<Answering<C>> | undefined;
  readonly body?: AnswerBody<C> | undefined;
}

/** Undefined is a bare SUCCESS; `silent` sends nothing (the protocol wants it in a few places). */
export type Outcomes<C extends CommandDefinition> = Outcome<C> | 'silent' | undefined | void;

/** Throws (or rejects with) `ResponseError` to answer another code. */
export type ColdHandler<C extends CommandDefinition> = (
  asked: Asked<C>,
  call: Call<C>,
) => Outcomes<C> | Promise<Outcomes<C>>;

/** Never async: view and reply are bound to the next request as soon as it returns. */
export type HotProcessor<C extends CommandDefinition> = (
  asked: AskedView<C>,
  reply: Reply<C>,
) => void;

/** What the guard looks at before any processor does. */
export interface GuardedRequest {
  readonly definition: CommandDefinition;
  readonly peer: Peer;
  /** The header fields; read only those whose declaration names a topic or group. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** The whole request, decoded when first asked for. */
  readonly frame: () => {
    readonly extFields: Readonly<Record<string, string>>;
    readonly body: Uint8Array;
  };
}

/** Undefined lets the request pass. */
export type Guard = (
  request: GuardedRequest,
) => { readonly code: ResponseName; readonly remark: string } | undefined;

export type Route =
  | {
      readonly kind: 'cold';
      readonly definition: CommandDefinition;
      readonly handler: ColdHandler<CommandDefinition>;
    }
  | {
      readonly kind: 'hot';
      readonly definition: CommandDefinition;
      readonly processor: HotProcessor<CommandDefinition>;
    }
  | {
      readonly kind: 'refused';
      readonly code: number;
      readonly name: string;
      readonly reason: string;
    };

/** Which request code is answered by what. Filled before the server opens. */
export class Router {
  private readonly routes = new Map<number, Route>();

  /** `identity` completes log positions in the message ids of hot answers. */
  constructor(readonly identity: StoreIdentity = new StoreIdentity()) {}

  /** Stands in front of every processor, hot and cold. Empty by default. */
  guard: Guard | undefined;

  /** For commands that need no speed: plain objects, and the handler may be async. */
  route<C extends CommandDefinition>(definition: C, handler: ColdHandler<C>): this {
    return this.add(definition.code, {
      kind: 'cold',
      definition,
      handler: handler as unknown as ColdHandler<CommandDefinition>,
    });
  }

  /** For the commands of the message path: scanned in place, answered through a `Reply`. */
  hotRoute<C extends CommandDefinition>(definition: C, processor: HotProcessor<C>): this {
    return this.add(definition.code, {
      kind: 'hot',
      definition,
      processor: processor as unknown as HotProcessor<CommandDefinition>,
    });
  }

  /** A code that exists and is not served: answered REQUEST_CODE_NOT_SUPPORTED with the reason. */
  refuse(code: number, name: string, reason: string): this {
    return this.add(code, { kind: 'refused', code, name, reason });
  }

  /** The same routes but for some codes, which are refused with the reason. */
  without(refused: ReadonlyMap<number, string>, reason: string): Router {
    const other = new Router(this.identity);
    other.guard = this.guard;
    for (const [code, route] of this.routes) if (!refused.has(code)) other.add(code, route);
    for (const [code, name] of refused) other.refuse(code, name, reason);
    return other;
  }

  /** The address that message ids carry: `host` 4 or 16 bytes. Default all zero. */
  storeAt(host: Uint8Array, port: number): this {
    this.identity.set(host, port);
    return this;
  }

  find(code: number): Route | undefined {
    return this.routes.get(code);
  }

  /** All routes by code. */
  all(): ReadonlyMap<number, Route> {
    return this.routes;
  }

  private add(code: number, route: Route): this {
    if (this.routes.has(code)) {
      throw new RouteError(`Request code ${code} is routed twice.`, { details: { code } });
    }
    this.routes.set(code, route);
    return this;
  }
}

/** A router that serves nothing: what comes in is answered REQUEST_CODE_NOT_SUPPORTED. */
export function emptyRouter(): Router {
  return new Router();
}
