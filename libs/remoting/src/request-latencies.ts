import type { Clock, Turn } from '@nestjs-rocketmq/foundation';
import { ResponseCode } from '@nestjs-rocketmq/protocol';
import { LatencyList } from './latency-list.js';
import { CommandLatencies, type LatencySeries } from './latency-series.js';

/**
 * How long requests took, from the turn in which they arrived to the end of the turn in which their
 * answers left, by command, answer and whether they were held.
 *
 * The clock is read twice for each turn, not for each request: what arrives in one turn lay in the
 * sockets when it began, and its answers leave together at its end. A request costs one addition.
 */
export class RequestLatencies {
  private readonly commands = new Map<number, CommandLatencies>();
  /** When the first request of this turn arrived; negative before. */
  private began = -1;
  /** Series with answers of this turn. */
  private readonly touched: LatencySeries[] = [];
  /** Answers that leave at the end of this turn, to requests of this turn or an earlier one. */
  private readonly late = new LatencyList();
  /** Answers that are leaving. */
  private readonly departing = new LatencyList();
  /** Answers that wait for the next call to the disk, and for the one under way. */
  private readonly gathering = new LatencyList();
  private readonly syncing = new LatencyList();
  private readonly room: { left: number };

  /** At most `mostSeries` different answers are told apart; others are not counted. */
  constructor(
    private readonly clock: Clock,
    private readonly turn: Turn,
    mostSeries = 50_000,
  ) {
    this.room = { left: mostSeries };
  }

  /** A request arrived; gives back since when it counts. */
  arrived(): number {
    if (this.began < 0) {
      this.began = this.clock.monotonic();
      // Whoever wants no answer would not end the turn.
      this.turn.ask();
    }
    return this.began;
  }

  /** Where to count the answers to a command. */
  command(requestCode: number): CommandLatencies {
    let command = this.commands.get(requestCode);
    if (command === undefined) {
      command = new CommandLatencies(requestCode, this.room);
      if (this.room.left <= 0) return command;
      this.room.left -= 1;
      this.commands.set(requestCode, command);
    }
    return command;
  }

  /** A request of this turn was answered; the answer leaves at the end of the turn. */
  answered(series: LatencySeries): void {
    this.touch(series);
    series.pending += 1;
  }

  /** A request of this turn was answered; the answer leaves when its message is safe. */
  answeredWhenStored(series: LatencySeries): void {
    this.touch(series);
    series.gated += 1;
  }

  /** A request that arrived in this turn or an earlier one was answered. */
  answeredLate(series: LatencySeries, began: number): void {
    this.late.push(series, 1, began);
    // To a peer that has gone nothing leaves, which would not end the turn.
    this.turn.ask();
  }

  /** The last answer given was taken back. */
  withdraw(series: LatencySeries, isLate: boolean): void {
    if (isLate) this.late.pop();
    else series.pending -= 1;
  }

  /** Everything that was answered, in series with labels of their own. */
  *all(): Generator<LatencySeries> {
    for (const command of this.commands.values()) yield* command.all();
  }

  /** The answers of this turn are about to leave; with `waits` not those that wait for the disk. */
  leaving(waits: boolean): void {
    const { began, touched, late } = this;
    this.began = -1;
    for (const series of touched) {
      const { pending, gated } = series;
      series.pending = 0;
      series.gated = 0;
      if (pending > 0) late.push(series, pending, began);
      if (gated > 0) (waits ? this.gathering : late).push(series, gated, began);
    }
    touched.length = 0;
    if (!waits) this.gathering.moveTo(late);
    this.late.moveTo(this.departing);
  }

  /** They have left. */
  left(): void {
    if (this.departing.size > 0) this.departing.settle(this.clock.monotonic());
  }

  /** Every answer that waits belongs to bytes that the disk is now asked to keep. */
  epochClosing(): void {
    this.gathering.moveTo(this.syncing);
  }

  /** They are safe, so their answers leave with the next turn. */
  epochDurable(): void {
    this.syncing.moveTo(this.late);
  }

  /** They are not, so their answers are failures. */
  epochFailed(): void {
    this.syncing.replace((series) => this.failedOf(series));
    this.syncing.moveTo(this.late);
  }

  /** The write of this turn failed, so what waited for it is answered with a failure. */
  turnFailed(): void {
    for (const series of this.touched) {
      const { gated } = series;
      const failed = this.failedOf(series);
      if (failed === series || gated === 0) continue;
      series.gated = 0;
      if (failed === undefined) continue;
      this.touch(failed);
      failed.gated += gated;
    }
  }

  private touch(series: LatencySeries): void {
    if (series.pending === 0 && series.gated === 0) this.touched.push(series);
  }

  private failedOf({ requestCode, isHeld, result }: LatencySeries): LatencySeries | undefined {
    return this.command(requestCode).of(ResponseCode.SYSTEM_ERROR, isHeld, result);
  }
}
