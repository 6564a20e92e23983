import type { Turn } from '@nestjs-rocketmq/foundation';
import { ResponseCode } from '@nestjs-rocketmq/protocol';

export interface WaitingLineOptions {
  readonly brokerFastFailureEnable: boolean;
  readonly waitTimeMillsInSendQueue: number;
  readonly waitTimeMillsInPullQueue: number;
  readonly waitTimeMillsInLitePullQueue: number;
  readonly waitTimeMillsInTransactionQueue: number;
  readonly osPageCacheBusyTimeOutMills: number;
}

/** The kinds of requests that may wait so and so long. */
export type WaitingKind = 'send' | 'pull' | 'litePull' | 'transaction';

interface Refusing {
  refuse(code: number, remark: string): void;
}

/**
 * How long requests have waited for this broker. One thread answers everything, and what keeps it
 * from the next request is a write of the log to a slow disk: whoever asked meanwhile stands in the
 * line of the system. After such a write, those who are then read have waited that long, and where
 * that is longer than allowed they are told to come again later, as Apache's broker tells those it
 * takes out of its queues. Nothing is measured per request.
 */
export class WaitingLine {
  private waited = 0;

  constructor(
    /** Milliseconds of the last write of the log; 0 when the turn wrote nothing. */
    private readonly lastWrite: () => number,
    private readonly turn: Pick<Turn, 'ask'>,
    /** Read anew each time. */
    private readonly options: WaitingLineOptions,
  ) {}

  /** At the end of each turn. What is read from here to the end of the next has waited. */
  turnEnded(): void {
    this.waited = this.options.brokerFastFailureEnable ? Math.round(this.lastWrite()) : 0;
    // A turn must end the time that this holds for, whether or not something is written in it.
    if (this.waited > 0) this.turn.ask();
  }

  /** Whether the request has waited too long; then it is answered SYSTEM_BUSY. */
  refuses(kind: WaitingKind, reply: Refusing): boolean {
    const { waited, options } = this;
    if (waited === 0) return false;
    const isDiskBusy = kind === 'send' && waited > options.osPageCacheBusyTimeOutMills;
    if (!isDiskBusy && waited < this.limitOf(kind)) return false;
    const mark = isDiskBusy ? '[PCBUSY_CLEAN_QUEUE]' : '[TIMEOUT_CLEAN_QUEUE]';
    reply.refuse(
      ResponseCode.SYSTEM_BUSY,
      `${mark}broker busy, start flow control for a while, period in queue: ${waited}ms, ` +
        'size of queue: 0',
    );
    return true;
  }

  private limitOf(kind: WaitingKind): number {
    const { options } = this;
    switch (kind) {
      case 'send':
        return options.waitTimeMillsInSendQueue;
      case 'pull':
        return options.waitTimeMillsInPullQueue;
      case 'litePull':
        return options.waitTimeMillsInLitePullQueue;
      case 'transaction':
        return options.waitTimeMillsInTransactionQueue;
    }
  }
}
