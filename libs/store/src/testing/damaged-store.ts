import { silentLogger, type Logger } from '@nestjs-rocketmq/foundation';
import type { MessageStore } from '../message-store.js';
import { bodiesOf, draftOf, smallFiles, StoreFixture } from './store-fixture.js';

/** The first file of the log. */
export const log0 = '/data/store/commitlog/00000000000000000000';

type Line = Readonly<{ text: string; fields: Record<string, unknown> | undefined }>;

/** A store on a disk, with the lines it logs at level warn and error. */
export class DamagedStore extends StoreFixture {
  readonly lines: Line[];

  constructor(seed = 1) {
    const lines: Line[] = [];
    const note = (text: string, fields?: object): void =>
      void lines.push({ text, fields: fields as Line['fields'] });
    const logger: Logger = { ...silentLogger, warn: note, error: note, child: () => logger };
    super(seed, smallFiles, logger);
    this.lines = lines;
  }

  /** `count` messages of 100 bytes, dealt to three queues, durable. */
  async filled(count: number): Promise<MessageStore> {
    const store = await this.open();
    for (let i = 0; i < count; i += 1) {
      store.append(draftOf(`m${String(i).padStart(4, '0')}`, { queueId: i % 3 }));
    }
    const flushed = store.flush();
    await this.settle();
    await flushed;
    return store;
  }

  /** Flips bits in the body of the nth message of the first log file. */
  damageBody(n: number): number {
    const position = n * 102;
    this.disk.damage(log0, position + 90);
    return position;
  }
}

/** The bodies of all messages, in order. */
export const all = (store: MessageStore): string[] =>
  store
    .queuesOf('orders')
    .flatMap((queue) => bodiesOf(store, queue))
    .toSorted();
/** The bodies of the first `count` messages of `filled`. */
export const texts = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `m${String(i).padStart(4, '0')}`);
