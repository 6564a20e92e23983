import type { Turn } from '@nestjs-rocketmq/foundation';
import { type Connection, Hold } from './connection.js';

/** What connections that bring much may bring together in one turn of the event loop, about. */
const bytesOfTurn = 4 * 1024 * 1024;
const leastShare = 64 * 1024;

/**
 * Gives each connection its share of every turn. A socket that is full is read again and again
 * before others are looked at, megabytes in one go; so who has brought its share waits for the end
 * of the turn. When many wait, as many as make a turn go on, in the order in which they came. Who
 * brings little never waits, and turns stay short for everybody.
 */
export class ReadingPace {
  private readonly waiting: Connection[] = [];
  private turnNumber = 0;
  private share = bytesOfTurn;
  private readonly unsubscribe: () => void;

  constructor(private readonly turn: Turn) {
    // Answers leave before anything more is read.
    this.unsubscribe = turn.onEnd('send', () => this.turnEnded());
  }

  close(): void {
    this.unsubscribe();
  }

  /** So many connections are open. */
  shareAmong(connections: number): void {
    this.share = Math.max(leastShare, Math.floor(bytesOfTurn / Math.max(1, connections)));
  }

  /** A connection has brought something. */
  brought(connection: Connection, bytes: number): void {
    if (connection.paceTurn !== this.turnNumber) {
      connection.paceTurn = this.turnNumber;
      connection.broughtInTurn = 0;
    }
    connection.broughtInTurn += bytes;
    if (connection.broughtInTurn < this.share) return;
    this.waiting.push(connection);
    connection.hold(Hold.share);
    this.turn.ask();
  }

  private turnEnded(): void {
    this.turnNumber += 1;
    const { waiting } = this;
    if (waiting.length === 0) return;
    const next = waiting.splice(0, Math.ceil(bytesOfTurn / this.share));
    for (const connection of next) connection.letGo(Hold.share);
    if (waiting.length > 0) this.turn.ask();
  }
}
