import type { Span } from '@nestjs-rocketmq/foundation';
import type { CommandDefinition, HotAnswer } from '@nestjs-rocketmq/protocol';
import type { Peer } from './peer.js';

/**
 * How a hot processor answers. One object per command, bound to each request in turn: only
 * `hold()` gives something that may be kept. Exactly one of the answering methods is called, or
 * none when the protocol wants silence. After a oneway request they write nothing.
 */
export interface Reply<C extends CommandDefinition> {
  /** Who asked. */
  readonly peer: Peer;
  /** The version that the request carries; 0 when it does not say. */
  readonly version: number;
  readonly isOneway: boolean;
  /** Reused; filled, then written at once as bytes by `success`, `outcome` and the like. */
  readonly answer: HotAnswer<C>;
  /** SUCCESS; leaves with this turn. */
  success(): void;
  /** SUCCESS; leaves when the bytes appended in this turn are as safe as the store promises. */
  successWhenStored(): void;
  /** Another code with the answer's fields, given at the same time as `successWhenStored`. */
  outcomeWhenStored(code: number, remark: string): void;
  /** SUCCESS with a body: gives room behind the header, to be filled before anything else is done. */
  successWithBody(size: number): Span;
  /** Takes back what `successWithBody` began, for its room cannot be filled; answer otherwise. */
  withdraw(): void;
  /** Another code with the answer's fields. */
  outcome(code: number, remark: string): void;
  /** Another code without fields. */
  refuse(code: number, remark: string): void;
  /** Keeps the right to answer beyond this call; allocates a small object. */
  hold(): HeldReply<C>;
}

/** A reply that outlives its call. Answering a peer that has gone does nothing. */
export interface HeldReply<C extends CommandDefinition> extends Reply<C> {
  /** True when there is nobody left to answer. */
  readonly isGone: boolean;
  /** True while the other side does not take the answers it has; it is not to be given more. */
  readonly isChoked: boolean;
}
