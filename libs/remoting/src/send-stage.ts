import type { Turn } from '@nestjs-rocketmq/foundation';
import type { Connection, FlushSchedule } from './connection.js';
import { failAnswers } from './failed-answers.js';
import type { RequestLatencies } from './request-latencies.js';
import type { StorageGate } from './storage-gate.js';

/** What an answer with a body has to bring to leave before the end of its turn. */
const earlyBytes = 16 * 1024;

/**
 * Lets answers leave: those that wait for nothing, and those of this turn's appends, in the stage
 * `send` of the turn; with a gate that waits, those of appends when their epoch is durable.
 *
 * An epoch is what one call to the disk makes safe. One is being synced while the next gathers, so
 * nothing is done per message. When a write or a sync fails, the answers that would be lies are
 * rewritten as failures before they leave.
 */
export class SendStage implements FlushSchedule {
  private dirty: Connection[] = [];
  private spare: Connection[] = [];
  /** Connections with answers in `gated`. */
  private gathering: Connection[] = [];
  /** Connections with answers in `syncing`. */
  private syncing: Connection[] = [];
  /** Has the body that was begun last in this turn. */
  private laden: Connection | undefined;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly turn: Turn,
    private readonly gate: StorageGate | undefined,
    /** Is told when answers leave. */
    readonly latencies?: RequestLatencies,
  ) {
    this.unsubscribe = turn.onEnd('send', () => this.send());
    gate?.subscribe({
      epochClosing: () => this.closeEpoch(),
      epochDurable: () => this.releaseEpoch(),
      epochFailed: (error) => this.failEpoch(error),
      turnFailed: (error) => this.failTurn(error),
    });
  }

  close(): void {
    this.unsubscribe();
  }

  /** Something was written into `connection.output`. */
  add(connection: Connection): void {
    this.dirty.push(connection);
    this.turn.ask();
  }

  /** Something was written into `connection.gated`. */
  addGated(connection: Connection): void {
    connection.wroteGated();
    if (connection.isGathering) return this.turn.ask();
    connection.isGathering = true;
    this.gathering.push(connection);
    if (this.gate?.waits === true || connection.isScheduled) return this.turn.ask();
    connection.isScheduled = true;
    this.add(connection);
  }

  /**
   * A body is about to be written for `connection`. The one before it is complete: when it is large
   * it leaves now, and its reader works on it while this turn goes on.
   */
  beginBody(connection: Connection): void {
    const { laden } = this;
    this.laden = connection;
    if (laden === undefined || laden.closed || laden.output.length < earlyBytes) return;
    // Whoever is let go on would be read in the middle of another request.
    if (!laden.isHeld) laden.flush();
  }

  private send(): void {
    this.laden = undefined;
    this.latencies?.leaving(this.gate?.waits === true);
    if (this.gate?.waits === true) this.markTurn();
    else this.releaseGathered();
    const dirty = this.dirty;
    this.dirty = this.spare;
    for (const connection of dirty) connection.flush();
    dirty.length = 0;
    this.spare = dirty;
    this.latencies?.left();
  }

  private markTurn(): void {
    for (const connection of this.gathering) connection.gatedBefore = connection.gated.used;
  }

  private releaseGathered(): void {
    const { gathering } = this;
    for (const connection of gathering) {
      connection.isGathering = false;
      connection.gatedBefore = 0;
      connection.release(connection.gated);
    }
    gathering.length = 0;
  }

  private closeEpoch(): void {
    this.latencies?.epochClosing();
    for (const connection of this.gathering) {
      connection.isGathering = false;
      connection.gatedBefore = 0;
      if (connection.closed) continue;
      // Without an end of the last epoch there may still be answers in `syncing`; they stay in front.
      connection.moveToSyncing();
      this.syncing.push(connection);
    }
    this.gathering.length = 0;
  }

  private releaseEpoch(): void {
    this.latencies?.epochDurable();
    const { syncing } = this;
    for (const connection of syncing) connection.release(connection.syncing);
    syncing.length = 0;
  }

  private failEpoch(error: Error): void {
    this.latencies?.epochFailed();
    for (const connection of this.syncing) failAnswers(connection.syncing, 0, error);
    this.releaseEpoch();
  }

  private failTurn(error: Error): void {
    this.latencies?.turnFailed();
    for (const connection of this.gathering) {
      failAnswers(connection.gated, connection.gatedBefore, error);
    }
  }
}
