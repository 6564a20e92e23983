import { Histogram } from '@nestjs-rocketmq/foundation';
import {
  isKnownRequestCode,
  requestCodeName,
  ResponseCode,
  responseCodeName,
} from '@nestjs-rocketmq/protocol';

/** Milliseconds: the bounds of Apache's `rpc_latency`. */
const bounds: readonly number[] = [1, 3, 5, 7, 10, 100, 1_000, 2_000, 3_000];

/** How an answer left: `oneway` when nobody waited for it. */
export type LatencyResult = 'success' | 'oneway' | 'write_channel_failed';

/** Requests of one kind that were answered alike, in milliseconds from arrival to answer. */
export class LatencySeries extends Histogram {
  /** Answers of this turn that leave at its end. */
  pending = 0;
  /** Answers of this turn that leave when their messages are safe. */
  gated = 0;

  constructor(
    readonly requestCode: number,
    readonly responseCode: number,
    readonly isHeld: boolean,
    readonly result: LatencyResult,
  ) {
    super(bounds);
  }

  /** The labels of Apache's `rpc_latency`. */
  get labels(): Record<string, string> {
    const { requestCode, responseCode } = this;
    const asked = isKnownRequestCode(requestCode) ? requestCodeName(requestCode) : requestCode;
    return {
      protocol_type: 'remoting',
      is_long_polling: String(this.isHeld),
      request_code: String(asked).toLowerCase(),
      response_code: (responseCodeName(responseCode) ?? String(responseCode)).toLowerCase(),
      result: this.result,
    };
  }
}

/** Keys of series by what they stand for; response codes and results are small numbers. */
const keyOf = (responseCode: number, isHeld: boolean, result: LatencyResult): number =>
  responseCode * 8 + (isHeld ? 4 : 0) + (result === 'success' ? 0 : result === 'oneway' ? 1 : 2);

/** The answers to one command. */
export class CommandLatencies {
  private readonly series = new Map<number, LatencySeries>();
  private readonly usual: LatencySeries;

  constructor(
    readonly requestCode: number,
    private readonly room: { left: number },
  ) {
    this.usual = new LatencySeries(requestCode, ResponseCode.SUCCESS, false, 'success');
    this.series.set(keyOf(ResponseCode.SUCCESS, false, 'success'), this.usual);
  }

  /** Undefined when there are as many series as there may be. */
  of(responseCode: number, isHeld: boolean, result: LatencyResult): LatencySeries | undefined {
    if (responseCode === 0 && !isHeld && result === 'success') return this.usual;
    const key = keyOf(responseCode, isHeld, result);
    const known = this.series.get(key);
    if (known !== undefined) return known;
    if (this.room.left <= 0) return undefined;
    this.room.left -= 1;
    const added = new LatencySeries(this.requestCode, responseCode, isHeld, result);
    this.series.set(key, added);
    return added;
  }

  /** Those that were answered at all. */
  *all(): Generator<LatencySeries> {
    for (const series of this.series.values()) if (series.count > 0) yield series;
  }
}
