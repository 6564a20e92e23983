import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { DeadlineError, messageOf, withDeadline, type Clock } from '@nestjs-rocketmq/foundation';
import type { MessageConverters } from '../../converter/message-converters.js';
import { MessageConversionError, RocketMQSendError } from '../../nestjs.errors.js';
import { RocketMQConnections } from '../../rocketmq.connections.js';
import { getRocketMQTemplateToken } from '../../rocketmq.tokens.js';
import type { RocketMQTemplate } from '../../template/rocketmq.template.js';
import type { SendOptions } from '../../template/send-options.js';
import { ConsistencySetupError } from '../consistency.errors.js';
import type { ConsistencySettings, OutboxSettings } from '../consistency.options.js';
import { CONSISTENCY_SETTINGS } from '../consistency.tokens.js';
import { OUTBOX_ID_PROPERTY } from '../keys.js';
import type { ConsistencyStorage, LeasedRecord } from '../storage/consistency-storage.js';

/** The pause after a round that failed doubles up to this, in milliseconds. */
const LONGEST_PAUSE = 30_000;

/** A message that was not sent. */
export interface RelayFailure {
  readonly destination: string;
  readonly reason: string;
  readonly cause: unknown;
}

/** What one round did. */
export interface RelayRound {
  readonly sent: number;
  readonly failures: readonly RelayFailure[];
}

/** What a round takes; by default every order key whose time has come. */
export interface RoundRequest {
  readonly orderKey?: string;
  /** Also what waits for its next try. */
  readonly isForced?: boolean;
}

/**
 * Sends what lies in the outbox. Several may run at once, in one process or in many: a message is
 * leased to one relay at a time, and of one order key no two relays have messages. A relay that
 * dies leaves its messages to the next when the lease ends.
 */
@Injectable()
export class OutboxRelay {
  /** Names this relay in the table while it has messages. */
  readonly owner = randomUUID();
  private readonly logger = new Logger('RocketMQOutbox');
  private readonly storage: ConsistencyStorage;
  private readonly settings: OutboxSettings;
  private readonly clock: Clock;
  private stopping: AbortController | undefined;
  private running: Promise<void> = Promise.resolve();
  private wakeUp: () => void = () => undefined;
  private isWoken = false;

  constructor(
    @Inject(CONSISTENCY_SETTINGS) settings: ConsistencySettings,
    @Inject(RocketMQConnections) private readonly connections: RocketMQConnections,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {
    this.storage = settings.storage;
    this.settings = settings.outbox;
    this.clock = connections.settings.clock;
  }

  /** Those of the template that it sends by. */
  get converters(): MessageConverters {
    try {
      return this.template().converters;
    } catch (error) {
      // A process that only adds need not have the connection that another one sends by.
      if (error instanceof ConsistencySetupError) return this.connections.settings.converters;
      throw error;
    }
  }

  get isRunning(): boolean {
    return this.stopping !== undefined && !this.stopping.signal.aborted;
  }

  /** Starts rounds until `stop`; the module calls it when the application has started. */
  start(): void {
    if (this.isRunning) return;
    this.template(); // a missing template is told at the start
    this.stopping = new AbortController();
    this.running = this.run(this.stopping.signal);
  }

  /** No further round; waits for the one in hand, but not longer than `stopTimeout`. */
  async stop(): Promise<void> {
    if (this.stopping === undefined) return;
    this.stopping.abort();
    this.wakeUp();
    const { stopTimeout } = this.settings;
    const late = () => new DeadlineError(`it took more than ${stopTimeout} ms`);
    try {
      await withDeadline(this.clock, stopTimeout, () => this.running, late);
    } catch (error) {
      this.logger.warn(`The relay did not end cleanly: ${messageOf(error)}`);
    }
  }

  /** Ends the pause between rounds. */
  wake(): void {
    this.isWoken = true;
    this.wakeUp();
  }

  /** Leases, sends and removes once. Rejects when the database does not answer. */
  async round(request: RoundRequest = {}): Promise<RelayRound> {
    const { keys, perKey, lease, onPoisoned, concurrency } = this.settings;
    // Measured from before the question, so our view of the lease ends first.
    const mineUntil = this.clock.monotonic() + lease;
    const records = await this.storage.lease({
      owner: this.owner,
      leaseMs: lease,
      keys,
      perKey,
      isHeld: onPoisoned === 'hold',
      isForced: request.isForced ?? false,
      ...(request.orderKey === undefined ? {} : { orderKey: request.orderKey }),
    });
    const groups = [...groupByKey(records).values()];
    const failures: RelayFailure[] = [];
    const broken: unknown[] = [];
    let sent = 0;
    const worker = async (): Promise<void> => {
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        try {
          // `sent += await` would forget what others have added meanwhile.
          const count = await this.sendGroup(group, mineUntil, failures);
          sent += count;
        } catch (error) {
          broken.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, groups.length) }, worker));
    if (broken.length > 0) throw broken[0];
    return { sent, failures };
  }

  /** The messages of one key, one after the other, up to the first that fails. */
  private async sendGroup(
    group: readonly LeasedRecord[],
    mineUntil: number,
    failures: RelayFailure[],
  ): Promise<number> {
    const sent: string[] = [];
    let failed: LeasedRecord | undefined;
    let cause: unknown;
    for (const record of group) {
      const left = mineUntil - this.clock.monotonic();
      // What might outlast the lease is not begun: another relay could be sending it by then.
      if (left < this.settings.sendTimeout || this.stopping?.signal.aborted === true) break;
      try {
        await this.send(record);
        sent.push(record.id);
      } catch (error) {
        failed = record;
        cause = error;
        failures.push({ destination: record.destination, reason: messageOf(error), cause: error });
        break;
      }
    }
    if (sent.length > 0) await this.storage.removeSent(sent);
    if (failed !== undefined) await this.noteFailure(failed, cause);
    const rest = group.slice(sent.length + (failed === undefined ? 0 : 1));
    if (rest.length > 0) {
      await this.storage.release(
        this.owner,
        rest.map((record) => record.id),
      );
    }
    return sent.length;
  }

  private async send(record: LeasedRecord): Promise<void> {
    const { sendTimeout } = this.settings;
    const options = JSON.parse(record.options) as SendOptions;
    const properties = { ...options.properties, [OUTBOX_ID_PROPERTY]: record.id };
    const late = () => new DeadlineError(`the broker did not answer within ${sendTimeout} ms`);
    const { body, destination } = record;
    await withDeadline(
      this.clock,
      sendTimeout,
      () =>
        this.template().send(destination, body, { ...options, properties, timeout: sendTimeout }),
      late,
    );
  }

  private async noteFailure(record: LeasedRecord, cause: unknown): Promise<void> {
    const { retryDelay, maxRetryDelay, maxAttempts } = this.settings;
    const attempts = record.attempts + 1;
    const isHopeless =
      cause instanceof RocketMQSendError || cause instanceof MessageConversionError;
    const isPoisoned = isHopeless || attempts >= maxAttempts;
    const pause = Math.min(maxRetryDelay, retryDelay * 2 ** Math.min(record.attempts, 30));
    const where = `Message ${record.id} of the outbox to '${record.destination}'`;
    const why = messageOf(cause);
    await this.storage.noteFailure({
      id: record.id,
      owner: this.owner,
      error: why,
      retryInMs: isPoisoned ? undefined : pause,
    });
    if (isPoisoned) {
      this.logger.error(
        `${where} is not tried any more after ${attempts} tries: ${why} See OutboxService.poisoned, ` +
          'retry and discard.',
      );
    } else this.logger.warn(`${where} could not be sent, next try in ${pause} ms: ${why}`);
  }

  private async run(signal: AbortSignal): Promise<void> {
    let failed = 0;
    while (!signal.aborted) {
      this.isWoken = false;
      try {
        const { sent } = await this.round();
        failed = 0;
        if (sent > 0) continue;
      } catch (error) {
        failed += 1;
        // Once for an outage: the pauses grow, the lines do not.
        if (failed === 1) this.logger.error(`A round of the outbox failed: ${messageOf(error)}`);
      }
      const pause = Math.min(LONGEST_PAUSE, this.settings.pollInterval * 2 ** Math.min(failed, 16));
      await this.rest(failed === 0 ? this.settings.pollInterval : pause, signal);
    }
  }

  /** Waits, unless somebody called meanwhile. */
  private async rest(ms: number, signal: AbortSignal): Promise<void> {
    if (this.isWoken || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(ms, resolve);
      this.wakeUp = () => {
        timer.cancel();
        resolve();
      };
    });
    this.wakeUp = () => undefined;
  }

  private template(): RocketMQTemplate {
    const { connection } = this.settings;
    try {
      return this.moduleRef.get<RocketMQTemplate>(getRocketMQTemplateToken(connection) as never, {
        strict: false,
      });
    } catch (error) {
      throw new ConsistencySetupError(
        `The relay of the outbox sends by the template of connection '${connection}', which is ` +
          'not there; import RocketMQModule.forRoot in the root module, or name another connection ' +
          "under 'outbox.connection'.",
        { cause: error, details: { connection } },
      );
    }
  }
}

function groupByKey(records: readonly LeasedRecord[]): Map<string, LeasedRecord[]> {
  const groups = new Map<string, LeasedRecord[]>();
  for (const record of records) {
    const group = groups.get(record.orderKey);
    if (group === undefined) groups.set(record.orderKey, [record]);
    else group.push(record);
  }
  return groups;
}
