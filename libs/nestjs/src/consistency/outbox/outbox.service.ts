import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { parseDestination } from '../../template/destination.js';
import type { SendOptions } from '../../template/send-options.js';
import { OutboxFlushError, OutboxMessageError } from '../consistency.errors.js';
import { CONSISTENCY_STORAGE } from '../consistency.tokens.js';
import { checkedKey } from '../keys.js';
import type {
  ConsistencyStorage,
  OutboxLag,
  PoisonedMessage,
} from '../storage/consistency-storage.js';
import { OutboxRelay } from './outbox-relay.js';

/** What may go with a message of the outbox; everything can be combined. */
export interface OutboxAddOptions extends Omit<SendOptions, 'timeout'> {
  /**
   * Messages of one order key are sent one after the other, in the order of the transactions that
   * added them, and go to one queue (it is their `hashKey`, too, unless that is given). Usually the
   * id of the order or account they are about. Without it a message waits for no other.
   */
  readonly orderKey?: string;
}

/** A destination is a topic of 127 characters and a tag. */
const LONGEST_DESTINATION = 512;

/**
 * Messages that a business change owes to the world. They are written in the transaction of the
 * change, so neither is without the other, and a relay sends them afterwards: at least once, in
 * order for each order key. Consumers tell a repetition by the property `ROCKETMQ_OUTBOX_ID`, which
 * `@Idempotent()` uses by itself.
 */
@Injectable()
export class OutboxService<Tx = unknown> {
  constructor(
    @Inject(CONSISTENCY_STORAGE) private readonly storage: ConsistencyStorage<Tx>,
    @Inject(OutboxRelay) private readonly relay: OutboxRelay,
  ) {}

  /**
   * Adds a message inside the transaction of the business change. The payload is turned into bytes
   * at once, so what cannot be written fails here and not in the relay.
   *
   * @param tx the transaction: an `EntityManager`, or a client of `pg` after `BEGIN`.
   * @param destination `topic` or `topic:tag`.
   * @returns the id that the message carries as `ROCKETMQ_OUTBOX_ID`.
   * @throws OutboxMessageError, RocketMQSendError or MessageConversionError for what cannot be sent
   *   as written; ConsistencyKeyError for an order key that is empty or too long.
   */
  async add<T>(
    tx: Tx,
    destination: string,
    payload: T,
    options: OutboxAddOptions = {},
  ): Promise<string> {
    const { orderKey, contentType, ...sendOptions } = options;
    parseDestination(destination, sendOptions.tags);
    if (destination.length > LONGEST_DESTINATION || payload === undefined || payload === null) {
      const what =
        destination.length > LONGEST_DESTINATION
          ? `has a destination of ${destination.length} characters (at most ${LONGEST_DESTINATION})`
          : `to '${destination}' has no payload (it is ${String(payload)}); add {} or '' instead`;
      throw new OutboxMessageError(`The message for the outbox ${what}.`, {
        details: { destination: destination.slice(0, LONGEST_DESTINATION) },
      });
    }
    const encoded = this.relay.converters.encode(payload, contentType);
    const id = randomUUID();
    const key = orderKey === undefined ? id : checkedKey('The order key of a message', orderKey);
    const hashKey = sendOptions.hashKey ?? orderKey;
    await this.storage.append(tx, {
      id,
      orderKey: key,
      destination,
      body: encoded.body,
      options: JSON.stringify({
        ...sendOptions,
        contentType: encoded.contentType,
        ...(hashKey === undefined ? {} : { hashKey }),
      }),
    });
    return id;
  }

  /** Runs work in a transaction and wakes the relay after it, so that nothing waits for a poll. */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.storage.transaction(work);
    this.wake();
    return result;
  }

  /** The relay of this process looks now; to be called after a commit. */
  wake(): void {
    this.relay.wake();
  }

  /**
   * Sends now what waits (of one order key, when given), also what waits for its next try, and also
   * when this process runs no relay. Messages that another relay has in hand are left to it.
   *
   * @returns how many were sent.
   * @throws OutboxFlushError when one could not be sent; it stays in the outbox.
   */
  async flush(orderKey?: string): Promise<number> {
    let sent = 0;
    for (;;) {
      const round = await this.relay.round({
        isForced: true,
        ...(orderKey === undefined ? {} : { orderKey }),
      });
      sent += round.sent;
      const [failure] = round.failures;
      if (failure !== undefined) {
        throw new OutboxFlushError(
          `${round.failures.length} messages of the outbox could not be sent now and stay in it, ` +
            `the first one to '${failure.destination}': ${failure.reason}`,
          { cause: failure.cause, retriable: true, details: { sent, orderKey } },
        );
      }
      if (round.sent === 0) return sent;
    }
  }

  /** How far the relays are behind: for a health check or a gauge. */
  lag(): Promise<OutboxLag> {
    return this.storage.lag();
  }

  /** The oldest messages that are not tried any more. */
  poisoned(limit = 100): Promise<readonly PoisonedMessage[]> {
    return this.storage.poisoned(limit);
  }

  /** Tries a poisoned message again, with its tries counted anew; false when there is none. */
  async retry(id: string): Promise<boolean> {
    const isThere = await this.storage.revive(id);
    if (isThere) this.wake();
    return isThere;
  }

  /** Drops a poisoned message for ever; false when there is none with this id. */
  async discard(id: string): Promise<boolean> {
    const isThere = await this.storage.discard(id);
    if (isThere) this.wake();
    return isThere;
  }
}
