import {
  isCompressed,
  isDeadLetterTopic,
  isRetryTopic,
  recordField,
  recordMagicV2,
  type StoredMessage,
  SysFlag,
  SystemTopic,
  transactionState,
} from '@nestjs-rocketmq/message';
import { viewOf } from '@nestjs-rocketmq/foundation';
import { delaysToCome, type Disk, openHalves } from './disk.js';

const kinds = {
  keys: (one) => one.keys.length > 1,
  batch: (one) => one.text.startsWith('batch-'),
  compressed: (one) => isCompressed(one.sysFlag),
  half: (one) => one.topic === SystemTopic.TRANSACTION_HALF,
  op: (one) => one.topic === SystemTopic.TRANSACTION_OP,
  committed: (one) => transactionState(one.sysFlag) === 'commit',
  delayed: (one) => one.topic === SystemTopic.SCHEDULE,
  retry: (one) => isRetryTopic(one.topic),
  dead: (one) => isDeadLetterTopic(one.topic),
  bornHostV6: (one) => (one.sysFlag & SysFlag.BORN_HOST_V6) !== 0,
  storeHostV6: (one) => (one.sysFlag & SysFlag.STORE_HOST_V6) !== 0,
  recordV2: (one) => viewOf(one.record).getInt32(recordField.magic) === recordMagicV2,
  deletedTopic: (one) => one.topic.startsWith('Short'),
} satisfies Record<string, (one: StoredMessage) => boolean>;

type Kind = keyof typeof kinds | 'files' | 'pendingDelay' | 'openTransaction';

/** How many records of each kind a history has, and how much was pending at the ends of its rounds. */
export class Census {
  private readonly counts = new Map<Kind, number>();

  /** A broker has ended; this is all of the store. */
  take(disk: Disk): void {
    for (const [kind, is] of Object.entries(kinds)) {
      this.counts.set(kind as Kind, disk.records.filter(is).length);
    }
    this.counts.set('files', disk.files);
    this.add('pendingDelay', delaysToCome(disk).length);
    this.add('openTransaction', openHalves(disk).length);
  }

  private add(kind: Kind, more: number): void {
    this.counts.set(kind, this.of(kind) + more);
  }

  of(kind: Kind): number {
    return this.counts.get(kind) ?? 0;
  }

  /** Kinds of which there is nothing. */
  get without(): Kind[] {
    return [...this.counts].filter(([, count]) => count === 0).map(([kind]) => kind);
  }

  get text(): string {
    return JSON.stringify(Object.fromEntries(this.counts));
  }
}
