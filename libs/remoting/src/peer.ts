import type {
  AnswerBody,
  Answered,
  AskBody,
  Asking,
  CommandDefinition,
  HeaderForm,
  ResponseName,
} from '@nestjs-rocketmq/protocol';

/** A successful answer, or one whose code is among the command's outcomes. */
export interface Answer<C extends CommandDefinition> {
  readonly code: number;
  readonly name: ResponseName;
  readonly remark: string | undefined;
  /** Fields required of a SUCCESS may be absent when the code is another. */
  readonly header: Answered<C>;
  readonly body: AnswerBody<C>;
  /** The version that the answer carries; 0 when it does not say. */
  readonly version: number;
  readonly extFields: Readonly<Record<string, string>>;
}

export interface NotifyOptions<C extends CommandDefinition> {
  readonly body?: AskBody<C> | undefined;
  /** Default as the client or server was told. */
  readonly form?: HeaderForm | undefined;
}

export interface InvokeOptions<C extends CommandDefinition> extends NotifyOptions<C> {
  /** Milliseconds, the time to connect included. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The request leaves in this call instead of with others at the end of the turn. */
  readonly isUrgent?: boolean | undefined;
}

/** A connection over which both sides may ask. */
export interface Peer {
  /** Unique in this process. */
  readonly id: string;
  /** `host:port` of the other side. */
  readonly remoteAddress: string;
  /** The other side's address, 4 or 16 bytes. */
  readonly remoteHost: Uint8Array;
  readonly remotePort: number;
  /** `host:port` of this side. */
  readonly localAddress: string;
  readonly closed: boolean;
  /** Room for what others know about this peer. */
  readonly attributes: Map<symbol, unknown>;
  /** How many requests of this side wait for an answer. */
  readonly waiting: number;
  /** Answers that came too late or to nothing. */
  readonly unmatchedAnswers: number;
  /** Runs once, when the connection is gone; at once when it already is. */
  onClose(listener: (error?: Error) => void): void;
  /**
   * Asks and waits for the answer. Answers whose code is among the command's outcomes resolve;
   * others reject with `ResponseError`. Rejects with `RequestTimeoutError`, `ConnectionLostError`,
   * `RequestAbortedError`, `RemotingClosedError`, `TooBusyError`, or `HeaderError` for a bad header.
   */
  invoke<C extends CommandDefinition>(
    definition: C,
    asked: Asking<C>,
    options: InvokeOptions<C>,
  ): Promise<Answer<C>>;
  /** Asks without wanting an answer. Throws as `invoke` rejects. */
  notify<C extends CommandDefinition>(
    definition: C,
    asked: Asking<C>,
    options?: NotifyOptions<C>,
  ): void;
  /** Closes at once; who waits for an answer gets `ConnectionLostError`. */
  close(): void;
}
