import { messageOf, type Logger } from '@nestjs-rocketmq/foundation';
import {
  decodeFrame,
  encodeFailure,
  HeaderError,
  HeaderSlots,
  HotCommand,
  peekCode,
  ResponseCode,
  ResponseError,
  type Frame,
} from '@nestjs-rocketmq/protocol';
import type { Connection } from './connection.js';
import { HotReply } from './hot-reply.js';
import type { Peer } from './peer.js';
import type { HotProcessor, Route, Router } from './router.js';
import type { SendStage } from './send-stage.js';

type AnyCommand = HotCommand['definition'];

interface HotRoute {
  readonly command: HotCommand;
  readonly reply: HotReply;
  readonly processor: HotProcessor<AnyCommand>;
}

/** Codes below this are found by index. */
const indexedCodes = 1_024;

/**
 * Answers requests to hot routes where they were received: no object, promise or closure for each.
 * Whatever the fast scanners do not know is left to the cold path, which may bring the decoded
 * frame back through `takeDecoded`.
 */
export class HotDoor {
  private readonly slots = new HeaderSlots();
  /** Where the current request lies, for a guard that wants all of it. */
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private decoded: Frame | undefined;
  private readonly frame = (): Frame =>
    this.decoded ?? decodeFrame(Uint8Array.prototype.slice.call(this.bytes, this.at, this.end));
  private readonly routes: (HotRoute | undefined)[] = Array.from({ length: indexedCodes });

  constructor(
    private readonly router: Router,
    private readonly stage: SendStage,
    private readonly logger: Logger,
  ) {
    for (const [code, route] of router.all()) {
      if (route.kind === 'hot') this.routes[code] = this.compile(route);
    }
  }

  /** True when the request was answered (or wants no answer). */
  take(
    peer: Peer,
    connection: Connection,
    bytes: Uint8Array,
    data: DataView,
    at: number,
    end: number,
  ): boolean {
    const word = data.getInt32(at + 4);
    const headerAt = at + 8;
    const headerEnd = headerAt + (word & 0xffffff);
    const form = word >>> 24;
    if (headerEnd > end || form > 1) return false;
    const route = this.scan(bytes, data, headerAt, headerEnd, form);
    if (route === undefined) return false;
    route.command.bound.body.point(bytes, data, headerEnd, end);
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.serve(route, peer, connection, form === 1);
    return true;
  }

  /** A request to a hot route whose header only the real parser could read. */
  takeDecoded(peer: Peer, connection: Connection, frame: Frame): void {
    const route = this.routes[frame.code] as HotRoute;
    try {
      route.command.scanDecoded(frame);
    } catch (error) {
      if (!(error instanceof HeaderError)) throw error;
      this.logger.warn(`${route.command.definition.name} from ${peer.remoteAddress} failed`, {
        error,
      });
      const { opaque, form } = frame;
      if ((frame.flag & 2) !== 0) return;
      const code = ResponseCode.SYSTEM_ERROR;
      return connection.write(encodeFailure({ opaque, form, code, remark: error.message }));
    }
    const { body } = frame;
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    route.command.bound.body.point(body, view, 0, body.length);
    this.decoded = frame;
    this.serve(route, peer, connection, frame.form === 'binary');
    this.decoded = undefined;
  }

  private scan(
    bytes: Uint8Array,
    data: DataView,
    at: number,
    end: number,
    form: number,
  ): HotRoute | undefined {
    const { slots } = this;
    try {
      const code = peekCode(slots, bytes, data, at, form);
      const route = code < 0 ? undefined : this.routes[code];
      if (route === undefined || !route.command.scan(bytes, data, at, end, form)) return undefined;
      // An answer may carry a number that is also a request code.
      return (slots.flag & 1) === 0 ? route : undefined;
    } catch (error) {
      // Scanners look ahead by words, and this header lies at the very end of its chunk.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  private serve(route: HotRoute, peer: Peer, connection: Connection, isBinary: boolean): void {
    const { slots, frame } = this;
    const { reply, command } = route;
    const { view } = command.bound;
    reply.bind(peer, connection, slots.opaque, slots.flag, slots.version, isBinary);
    this.stage.latencies?.arrived();
    try {
      const { guard } = this.router;
      if (guard !== undefined) {
        const asked = view as unknown as Record<string, unknown>;
        const refusal = guard({ definition: command.definition, peer, asked, frame });
        if (refusal !== undefined) {
          return reply.refuse(ResponseCode[refusal.code], refusal.remark);
        }
      }
      route.processor(view, reply);
    } catch (error) {
      this.failed(route, peer, error);
    }
  }

  private failed({ command, reply }: HotRoute, peer: Peer, error: unknown): void {
    const isExpected = error instanceof ResponseError;
    const { name } = command.definition;
    if (!isExpected) this.logger.error(`${name} from ${peer.remoteAddress} failed`, { error });
    // After an answer was written there is nothing more to say.
    if (reply.isSettled) return;
    const code = isExpected ? error.responseCode : ResponseCode.SYSTEM_ERROR;
    reply.refuse(code, isExpected ? error.remark : messageOf(error).slice(0, 4_096));
  }

  private compile({ definition, processor }: Extract<Route, { kind: 'hot' }>): HotRoute {
    const command = new HotCommand(definition, this.slots, this.router.identity);
    return { command, reply: new HotReply(command, this.stage), processor };
  }
}
