import type { Logger } from '@nestjs-rocketmq/foundation';
import {
  decodeFrame,
  FrameError,
  isResponse,
  readAnswer,
  readAnswerBody,
  responseCodeName,
  ResponseError,
  type Asking,
  type CommandDefinition,
  type Frame,
  type HeaderForm,
} from '@nestjs-rocketmq/protocol';
import { answerCold, type AnswerDoor } from './cold-responder.js';
import { Connection, type ConnectionLimits, type FlushSchedule, Hold } from './connection.js';
import { invoked, peerClosed, peerOpened } from './diagnostics.js';
import type { Wire } from './network.js';
import type { Answer, InvokeOptions, NotifyOptions, Peer } from './peer.js';
import { PendingRequests, type Pending } from './pending-requests.js';
import {
  ConnectionLostError,
  RemotingClosedError,
  RequestAbortedError,
  TlsError,
  TooBusyError,
} from './remoting.errors.js';
import type { HotDoor } from './hot-door.js';
import type { RequestLatencies } from './request-latencies.js';
import type { RequestCodec } from './request-codec.js';
import type { Router } from './router.js';
import type { TimerWheel } from './timer-wheel.js';

/** Counts opaque numbers up, within Java's int. */
export class Opaques {
  private last = 0;

  next(): number {
    this.last = (this.last + 1) | 0;
    return this.last;
  }
}

/** What all peers of one client or server share. */
export interface PeerContext {
  readonly side: 'client' | 'server';
  readonly router: Router;
  readonly schedule: FlushSchedule;
  readonly limits: ConnectionLimits;
  readonly wheel: TimerWheel;
  readonly opaques: Opaques;
  readonly logger: Logger;
  readonly form: HeaderForm;
  /** Writes requests and reads their answers. */
  readonly codec: RequestCodec;
  /** Unsent bytes above which a request is refused. */
  readonly maxUnsent: number;
  /** True when the connections are secured. */
  readonly isSecure: boolean;
  /** Requests that handlers are at work on. */
  readonly work: { bytes: number };
  /** Answers requests to hot routes in place; undefined where there are none. */
  readonly hot: HotDoor | undefined;
  readonly latencies?: RequestLatencies | undefined;
}

/** Bytes of requests that are being worked on: of one peer, and of all before each has less. */
const mostWork = 4 * 1024 * 1024;
const workOfAll = 64 * 1024 * 1024;
const leastWork = 64 * 1024;

/** A client's peer that says nothing at all for so long while somebody waits for it is gone. */
const silenceMs = 2_000;

let count = 0;

/** A peer over a connection of its own. */
export class ConnectedPeer implements Peer {
  readonly id: string;
  readonly remoteAddress: string;
  readonly remoteHost: Uint8Array;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly attributes = new Map<symbol, unknown>();
  readonly connection: Connection;
  private readonly pending: PendingRequests;
  private readonly closeListeners: ((error?: Error) => void)[] = [];
  private readonly door: AnswerDoor;
  private underWay = 0;
  /** A frame has come over this connection. */
  private hasHeard = false;
  /** Bytes of the requests that are being worked on. */
  private bytesUnderWay = 0;
  private onQuiet: (() => void) | undefined;

  constructor(
    wire: Wire,
    private readonly context: PeerContext,
  ) {
    count += 1;
    this.id = `${context.side}-${count}`;
    this.remoteAddress = wire.remoteAddress;
    this.remoteHost = wire.remoteHost;
    this.remotePort = wire.remotePort;
    this.localAddress = wire.localAddress;
    this.pending = new PendingRequests(context.wheel, wire.remoteAddress, (pending) =>
      this.doubt(pending),
    );
    this.connection = new Connection(
      wire,
      context.schedule,
      context.limits,
      (bytes, data, at, end) => this.receive(bytes, data, at, end),
    );
    this.door = {
      peer: this,
      logger: context.logger,
      latencies: context.latencies,
      begin: (bytes) => this.began(bytes),
      finish: (bytes) => this.finished(bytes),
      write: (frame) => this.connection.write(frame),
    };
  }

  get closed(): boolean {
    return this.connection.closed;
  }

  get waiting(): number {
    return this.pending.size;
  }

  get unmatchedAnswers(): number {
    return this.pending.unmatched;
  }

  /** How many requests of the other side are being worked on by handlers that wait. */
  get busy(): number {
    return this.underWay;
  }

  /** Starts reading. */
  open(): void {
    const { side } = this.context;
    if (peerOpened.hasSubscribers) {
      peerOpened.publish({ remoteAddress: this.remoteAddress, side });
    }
    this.connection.open((error) => this.lost(error));
  }

  onClose(listener: (error?: Error) => void): void {
    if (this.closed) listener();
    else this.closeListeners.push(listener);
  }

  invoke<C extends CommandDefinition>(
    definition: C,
    asked: Asking<C>,
    options: InvokeOptions<C>,
  ): Promise<Answer<C>> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(this.aborted(definition, signal));
    const opaque = this.context.opaques.next();
    try {
      this.send(definition, asked, options, opaque, false);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (options.isUrgent === true) this.connection.flush();
    const pending = this.pending.add(opaque, definition, options.timeoutMs);
    pending.heardBefore = this.connection.heard;
    if (signal !== undefined) {
      pending.watch(signal, () => {
        this.pending.drop(pending);
        pending.reject(this.aborted(definition, signal));
      });
    }
    const answered = new Promise<Answer<C>>((resolve, reject) => {
      pending.resolve = resolve as Pending['resolve'];
      pending.reject = reject;
    });
    if (invoked.hasSubscribers) this.watchForReport(definition, answered);
    return answered;
  }

  notify<C extends CommandDefinition>(
    definition: C,
    asked: Asking<C>,
    options: NotifyOptions<C> = {},
  ): void {
    this.send(definition, asked, options, this.context.opaques.next(), true);
  }

  close(): void {
    this.connection.destroy();
  }

  /** Stops reading, waits for handlers under way and for unsent bytes, then closes. */
  async drain(): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((done) => {
      const sent = (): void => this.connection.drain(done);
      if (this.underWay === 0) return sent();
      this.onQuiet = sent;
      this.onClose(() => done());
    });
    this.connection.end();
  }

  private send<C extends CommandDefinition>(
    definition: C,
    asked: Asking<C>,
    options: NotifyOptions<C>,
    opaque: number,
    oneway: boolean,
  ): void {
    const { context, connection } = this;
    if (connection.closed) {
      throw new RemotingClosedError(`The connection to ${this.remoteAddress} is closed.`, {
        details: { address: this.remoteAddress },
        retriable: true,
      });
    }
    if (connection.unsent > context.maxUnsent) {
      throw new TooBusyError(
        `${this.remoteAddress} does not take what it is sent: ${connection.unsent} bytes wait.`,
        { details: { address: this.remoteAddress, unsent: connection.unsent }, retriable: true },
      );
    }
    const { body } = options;
    context.codec.write(connection.output, {
      definition,
      asked: asked as Record<string, unknown>,
      body,
      opaque,
      oneway,
      form: options.form ?? context.form,
    });
    connection.wrote();
  }

  private receive(bytes: Uint8Array, data: DataView, at: number, end: number): void {
    this.hasHeard = true;
    const { hot, router, codec } = this.context;
    if (hot?.take(this, this.connection, bytes, data, at, end) === true) return;
    if (this.pending.size > 0 && codec.settle(this.pending, bytes, data, at, end)) return;
    // What is decoded here may outlive the chunk, so it gets bytes of its own.
    const frame = decodeFrame(Uint8Array.prototype.slice.call(bytes, at, end));
    if (!isResponse(frame.flag)) {
      const isHot = hot !== undefined && router.find(frame.code)?.kind === 'hot';
      if (isHot) return hot.takeDecoded(this, this.connection, frame);
      return answerCold(router, frame, this.door);
    }
    const pending = this.pending.take(frame.opaque);
    if (pending === undefined) {
      const { opaque, code } = frame;
      const sentence = `An answer from ${this.remoteAddress} came too late or to nothing`;
      return this.context.logger.debug(sentence, { opaque, code });
    }
    try {
      pending.resolve(this.read(pending.definition, frame));
    } catch (error) {
      pending.reject(error as Error);
    }
  }

  private read(definition: CommandDefinition, frame: Frame): Answer<CommandDefinition> {
    const name = responseCodeName(frame.code);
    if (name === undefined || !definition.outcomes.includes(name)) {
      throw new ResponseError(frame.code, frame.remark ?? '', {
        details: { address: this.remoteAddress, request: definition.name },
      });
    }
    return {
      code: frame.code,
      name,
      remark: frame.remark,
      header: readAnswer(definition, frame),
      body: readAnswerBody(definition, frame),
      version: frame.version,
      extFields: frame.extFields,
    };
  }

  /**
   * A request was not answered. When nothing else came since it was sent either, the connection is
   * taken for dead (the other side vanished without a word) and closed, so that the next request
   * makes a new one. What lies in the socket unread because we were busy is heard first.
   */
  private doubt({ heardBefore, timeoutMs }: Pending): void {
    const { connection, remoteAddress } = this;
    if (this.context.side === 'server' || timeoutMs < silenceMs) return;
    setImmediate(() => {
      if (connection.closed || connection.isHeld || connection.heard !== heardBefore) return;
      connection.destroy(
        new ConnectionLostError(`${remoteAddress} said nothing for ${timeoutMs} ms.`, {
          details: { address: remoteAddress, timeoutMs },
          retriable: true,
        }),
      );
    });
  }

  private lost(error: Error | undefined): void {
    const { context, remoteAddress } = this;
    if (error !== undefined) {
      // Clients come and go; bytes that are no frames deserve a look.
      const level = error instanceof FrameError ? 'warn' : 'info';
      context.logger[level](`The connection to ${remoteAddress} broke`, { error });
    }
    if (peerClosed.hasSubscribers) {
      peerClosed.publish({ remoteAddress, side: context.side, error });
    }
    const why = this.whyLost(error);
    this.pending.failAll(
      ({ definition }) =>
        new ConnectionLostError(
          `The connection to ${remoteAddress} was lost before ${definition.name} was answered${why}.`,
          { cause: error, details: { address: remoteAddress }, retriable: true },
        ),
    );
    for (const listener of this.closeListeners.splice(0)) listener(error);
  }

  /** What a user should know about the loss, as the end of a sentence. */
  private whyLost(error: Error | undefined): string {
    if (error instanceof TlsError || error instanceof FrameError)
      return `: ${error.message.replace(/\.$/, '')}`;
    const { side, isSecure } = this.context;
    if (side === 'server' || this.hasHeard) return '';
    const wanted = isSecure
      ? "another certificate of this client ('cert' and 'key' of the option 'tls')"
      : "TLS (the option 'tls')";
    return `; it said nothing at all, as servers do that want ${wanted}, or do not let this address in`;
  }

  /** A request is kept until its handler is done: so much for one peer, and so much for all. */
  private began(bytes: number): void {
    this.underWay += 1;
    this.bytesUnderWay += bytes;
    this.context.work.bytes += bytes;
    if (this.hasTooMuchWork()) this.connection.hold(Hold.work);
  }

  private hasTooMuchWork(): boolean {
    const most = this.context.work.bytes > workOfAll ? leastWork : mostWork;
    return this.bytesUnderWay > most;
  }

  private finished(bytes: number): void {
    this.underWay -= 1;
    this.bytesUnderWay -= bytes;
    this.context.work.bytes -= bytes;
    if (!this.hasTooMuchWork()) this.connection.letGo(Hold.work);
    if (this.underWay > 0) return;
    const onQuiet = this.onQuiet;
    this.onQuiet = undefined;
    onQuiet?.();
  }

  private aborted(definition: CommandDefinition, signal: AbortSignal | undefined): Error {
    return new RequestAbortedError(`${definition.name} to ${this.remoteAddress} was given up.`, {
      cause: signal?.reason,
      details: { address: this.remoteAddress, request: definition.name },
    });
  }

  private watchForReport(
    { name: command }: CommandDefinition,
    answered: Promise<{ readonly code: number }>,
  ): void {
    const { remoteAddress } = this;
    answered.then(
      ({ code }) => invoked.publish({ remoteAddress, command, code }),
      (error: Error) => {
        const code = error instanceof ResponseError ? error.responseCode : undefined;
        invoked.publish({ remoteAddress, command, code, error });
      },
    );
  }
}
