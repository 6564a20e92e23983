import type { Span } from '@nestjs-rocketmq/foundation';
import { viewOf } from '@nestjs-rocketmq/foundation';
import {
  encodeFailure,
  type CommandDefinition,
  type HotAnswer,
  type HotCommand,
  OutputBuffer,
} from '@nestjs-rocketmq/protocol';
import type { Connection } from './connection.js';
import type { Peer } from './peer.js';
import type { HeldReply } from './reply.js';
import type { CommandLatencies, LatencySeries } from './latency-series.js';
import type { SendStage } from './send-stage.js';

const success = 0;

/** Room for a body, moved from answer to answer. */
class BodySpan implements Span {
  bytes: Uint8Array = new Uint8Array(0);
  data: DataView = viewOf(this.bytes);
  from = 0;
  to = 0;

  point(out: OutputBuffer, from: number, size: number): this {
    this.bytes = out.bytes;
    this.data = out.data;
    this.from = from;
    this.to = from + size;
    return this;
  }
}

const body = new BodySpan();
/** Takes bodies that nobody hears. */
const nowhere = new OutputBuffer();

/** Writes answers of one hot command straight into the output of a connection. */
export class HotReply implements HeldReply<CommandDefinition> {
  peer!: Peer;
  version = 0;
  isOneway = false;
  readonly answer: HotAnswer<CommandDefinition>;
  /** An answer was written, refused or held. */
  isSettled = false;
  private connection!: Connection;
  private opaque = 0;
  /** Bytes of the answer with a body that was begun last. */
  private begun = 0;
  private isBinary = false;
  private readonly latencies: CommandLatencies | undefined;
  /** Where the answer that was begun last is counted. */
  private counted: LatencySeries | undefined;
  /** Since when the request counts; for one that is answered beyond its call. */
  private began = 0;
  private isHeld = false;

  constructor(
    private readonly command: HotCommand,
    private readonly stage: SendStage,
  ) {
    this.answer = command.answer;
    this.latencies = stage.latencies?.command(command.definition.code);
  }

  bind(
    peer: Peer,
    connection: Connection,
    opaque: number,
    flag: number,
    version: number,
    isBinary: boolean,
  ): void {
    this.peer = peer;
    this.connection = connection;
    this.opaque = opaque;
    this.isOneway = (flag & 2) !== 0;
    this.version = version;
    this.isBinary = isBinary;
    this.isSettled = false;
  }

  get isGone(): boolean {
    return this.connection.closed;
  }

  get isChoked(): boolean {
    return this.connection.isChoked;
  }

  success(): void {
    this.write(success, '');
  }

  outcome(code: number, remark: string): void {
    this.write(code, remark);
  }

  successWhenStored(): void {
    this.outcomeWhenStored(success, '');
  }

  outcomeWhenStored(code: number, remark: string): void {
    this.isSettled = true;
    const { connection } = this;
    if (this.latencies !== undefined) this.count(code, true);
    if (this.isOneway || connection.closed) return;
    const out = connection.gated;
    out.used = this.writeHeader(out, code, remark, 0);
    this.stage.addGated(connection);
  }

  successWithBody(size: number): Span {
    this.isSettled = true;
    const { connection } = this;
    if (this.latencies !== undefined) this.count(success, false);
    // Nobody is there to read it, but the caller is to have its room all the same.
    const isUnheard = this.isOneway || connection.closed;
    const out = isUnheard ? nowhere : connection.output;
    if (isUnheard) out.rewind();
    else this.stage.beginBody(connection);
    const before = out.length;
    const from = this.writeHeader(out, success, '', size);
    out.used = from + size;
    this.begun = out.length - before;
    if (!isUnheard) connection.wrote();
    return body.point(out, from, size);
  }

  withdraw(): void {
    this.isSettled = false;
    if (this.counted !== undefined) this.stage.latencies?.withdraw(this.counted, this.isHeld);
    if (!this.isOneway && !this.connection.closed) this.connection.output.used -= this.begun;
  }

  refuse(code: number, remark: string): void {
    this.isSettled = true;
    if (this.latencies !== undefined) this.count(code, false);
    if (this.isOneway) return;
    const form = this.isBinary ? 'binary' : 'json';
    this.connection.write(encodeFailure({ opaque: this.opaque, form, code, remark }));
  }

  hold(): HotReply {
    this.isSettled = true;
    const held = new HotReply(this.command, this.stage);
    const flag = this.isOneway ? 2 : 0;
    held.bind(this.peer, this.connection, this.opaque, flag, this.version, this.isBinary);
    held.isHeld = true;
    held.began = this.stage.latencies?.arrived() ?? 0;
    return held;
  }

  /** The request was answered: with figures off this is never called. */
  private count(code: number, whenStored: boolean): void {
    const all = this.stage.latencies;
    const { isHeld, isOneway, connection } = this;
    const result = isOneway ? 'oneway' : connection.closed ? 'write_channel_failed' : 'success';
    const series = this.latencies?.of(code, isHeld, result);
    this.counted = series;
    if (series === undefined || all === undefined) return;
    if (isHeld) all.answeredLate(series, this.began);
    else if (whenStored && result === 'success') all.answeredWhenStored(series);
    else all.answered(series);
  }

  private write(code: number, remark: string): void {
    this.isSettled = true;
    const { connection } = this;
    if (this.latencies !== undefined) this.count(code, false);
    if (this.isOneway || connection.closed) return;
    const out = connection.output;
    out.used = this.writeHeader(out, code, remark, 0);
    connection.wrote();
  }

  private writeHeader(out: OutputBuffer, code: number, remark: string, bodySize: number): number {
    const { writers } = this.command;
    const answer = this.answer as Record<string, unknown>;
    return this.isBinary
      ? writers.binary(out, answer, this.opaque, code, remark, bodySize)
      : writers.json(out, answer, this.opaque, code, remark, bodySize);
  }
}
