import { emptySpan, type Logger, silentLogger, spanOf, Turn } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { encodeProperties, StoredMessage } from '@nestjs-rocketmq/message';
import type { RecordDraft } from '@nestjs-rocketmq/message';
import type { BitMapOf } from '../consume-queue-extension/queue-extension.js';
import type { ConsumeQueue } from '../consume-queue/consume-queue.js';
import { MessageStore } from '../message-store.js';
import type { StoreOptions } from '../store-options.js';
import { FaultyFileSystem } from './faulty-file-system.js';

const encoder = new TextEncoder();
const host = Uint8Array.of(127, 0, 0, 1);

/** A message for specs: topic `orders`, queue 0, unless told otherwise. */
export function draftOf(
  body: string,
  changes: Partial<RecordDraft> & { readonly map?: Record<string, string> } = {},
): RecordDraft {
  const { map, ...rest } = changes;
  return {
    topic: 'orders',
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: host,
    bornPort: 1000,
    storeHost: host,
    storePort: 10_911,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: spanOf(encoder.encode(body)),
    properties: map === undefined ? emptySpan : spanOf(encoder.encode(encodeProperties(map))),
    suffix: emptySpan,
    tagsCode: 0,
    ...rest,
  };
}

/** Options with small files, so that specs see them roll. */
export const smallFiles: Partial<StoreOptions> = {
  mappedFileSizeCommitLog: 8192,
  mappedFileSizeConsumeQueue: 800,
  maxHashSlotNum: 100,
  maxIndexNum: 400,
};

/**
 * A store on a faulty disk, with a clock and turns moved by hand: opened, killed and opened again.
 */
export class StoreFixture {
  readonly disk: FaultyFileSystem;
  readonly directory = '/data/store';
  clock = new ManualClock();
  turn = new Turn();
  /** What stores get that are opened from now on. */
  bitMapOf: BitMapOf | undefined;
  private turnEnd: (() => void) | undefined;

  constructor(
    seed: number,
    private readonly options: Partial<StoreOptions> = smallFiles,
    private readonly logger: Logger = silentLogger,
  ) {
    this.disk = new FaultyFileSystem(seed);
  }

  /** Opens with new turns and a new clock that goes on where the last one was. */
  open(options: Partial<StoreOptions> = {}): Promise<MessageStore> {
    this.clock = new ManualClock(this.clock.now());
    this.turnEnd = undefined;
    this.turn = new Turn((end) => (this.turnEnd = end));
    return MessageStore.open({
      directory: this.directory,
      options: { ...this.options, ...options },
      fileSystem: this.disk,
      clock: this.clock,
      logger: this.logger,
      turn: this.turn,
      processId: 4711,
      bitMapOf: this.bitMapOf,
    });
  }

  /** Ends the turn, if anything asked for it. */
  endTurn(): void {
    const end = this.turnEnd;
    this.turnEnd = undefined;
    end?.();
  }

  /** Ends turns and lets syncs and promises run, until nothing asked for a turn for a while. */
  async settle(quietRounds = 4): Promise<void> {
    for (let quiet = 0; quiet < quietRounds; quiet += 1) {
      if (this.turnEnd !== undefined) quiet = 0;
      this.endTurn();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** The bodies of all visible messages of a queue, in order, read as consumers do. */
export function bodiesOf(store: MessageStore, queue: ConsumeQueue, batch = 32): string[] {
  return messagesOf(store, queue, batch).map((message) => message.text);
}

/** All visible messages of a queue, in order, read as consumers do. */
export function messagesOf(store: MessageStore, queue: ConsumeQueue, batch = 32): StoredMessage[] {
  const messages: StoredMessage[] = [];
  for (let offset = queue.min; offset < queue.visible;) {
    const found = store.find(queue, offset, batch);
    if (found.status !== 'FOUND') throw new Error(`${found.status} at ${offset}`);
    const bytes = new Uint8Array(found.bytes);
    store.read(found, spanOf(bytes));
    for (let at = 0; at < bytes.length;) {
      const message = new StoredMessage(bytes, undefined, at);
      messages.push(message);
      at += message.storeSize;
    }
    offset = found.next;
  }
  return messages;
}
