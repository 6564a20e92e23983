import type { Logger } from '@nestjs-rocketmq/foundation';
import {
  type Asked,
  type CloneGroupOffset,
  type InvokeBrokerToResetOffset,
  type MessageQueueBody,
  type QueryCorrectionOffset,
  ResetConsumerClientOffset,
  ResponseCode,
  ResponseError,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import type { ClientDirectory } from '../membership/client-directory.js';
import type { Arrivals } from '../pull/arrivals.js';
import type { GroupTable } from '../topics/group-table.js';
import type { Topic } from '../topics/topic.js';
import type { TopicTable } from '../topics/topic-table.js';
import type { ConsumerOffsets } from './consumer-offsets.js';
import type { OffsetResets } from './offset-resets.js';

type Reset = Asked<typeof InvokeBrokerToResetOffset>;

export interface ResetsParts {
  readonly store: MessageStore;
  readonly topics: TopicTable;
  readonly groups: GroupTable;
  readonly offsets: ConsumerOffsets;
  readonly resets: OffsetResets;
  readonly clients: ClientDirectory;
  readonly arrivals: Arrivals;
  readonly figures: Figures;
  readonly logger: Logger;
  readonly options: { readonly useServerSideResetOffset: boolean; readonly brokerName: string };
}

/** What operators do with the offsets of groups. */
export class ResetsProcessor {
  constructor(private readonly parts: ResetsParts) {}

  /** Sets a group to a time, or one queue of it to an offset. */
  reset(asked: Reset): Outcome<typeof InvokeBrokerToResetOffset> {
    const { topics, logger, options } = this.parts;
    const topic = topics.get(asked.topic);
    if (topic === undefined) {
      throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, `Topic ${asked.topic} does not exist`);
    }
    const offsets = options.useServerSideResetOffset
      ? this.resetHere(asked, topic)
      : this.resetClients(asked, topic);
    const { group, timestamp } = asked;
    logger.info('offsets of a group were reset', { group, topic: topic.name, timestamp, offsets });
    return { body: { offsetTable: this.tableOf(topic, offsets) } };
  }

  /** Where the slowest of the other groups stands; Java leaves out what lies before the queue. */
  corrections(asked: Asked<typeof QueryCorrectionOffset>): Outcome<typeof QueryCorrectionOffset> {
    const { offsets, store } = this.parts;
    const without = new Set((asked.filterGroups ?? '').split(','));
    const lowest = new Map<number, number>();
    for (const group of offsets.groupsOf(asked.topic)) {
      if (without.has(group)) continue;
      for (const [queueId, offset] of offsets.queuesOf(group, asked.topic)) {
        if (offset < (store.findQueue(asked.topic, queueId)?.min ?? 0)) continue;
        lowest.set(queueId, Math.min(offset, lowest.get(queueId) ?? offset));
      }
    }
    for (const [queueId, offset] of offsets.queuesOf(asked.compareGroup, asked.topic)) {
      const other = lowest.get(queueId);
      if (other === undefined || other > offset) lowest.set(queueId, Number.MAX_SAFE_INTEGER);
    }
    return { body: { correctionOffsets: Object.fromEntries(lowest) } };
  }

  /** Copies where one group stands to another, for one topic or for all. */
  clone({ srcGroup, destGroup, topic, offline }: Asked<typeof CloneGroupOffset>): void {
    const { topics, clients, offsets, logger } = this.parts;
    const online = clients.consumerGroup(srcGroup);
    const isAny = topic === undefined || topic.trim() === '';
    for (const name of isAny ? offsets.topicsOf(srcGroup) : [topic]) {
      const isForeign = online !== undefined && online.subscriptionOf(name) === undefined;
      if (topics.get(name) === undefined || (!offline && isForeign)) {
        logger.warn('offsets of a topic were not copied: it is unknown or the group left it', {
          topic: name,
          group: srcGroup,
        });
        continue;
      }
      for (const [queueId, offset] of offsets.queuesOf(srcGroup, name)) {
        offsets.commit(destGroup, name, queueId, offset);
      }
    }
  }

  /** Java 5's way: the broker itself tells whoever pulls next. */
  private resetHere(asked: Reset, topic: Topic): Map<number, number> {
    const { groups, resets, arrivals, figures, store } = this.parts;
    const { group } = asked;
    if (groups.get(group) === undefined) {
      const remark = `Group ${group} does not exist`;
      throw new ResponseError(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark);
    }
    const offsets = this.targets(asked, topic);
    for (const [queueId, offset] of offsets) {
      resets.assign(group, topic.name, queueId, offset);
      figures.sentOn(group, topic.name, queueId, offset);
      const queue = store.findQueue(topic.name, queueId);
      if (queue !== undefined) arrivals.announce(queue);
    }
    return offsets;
  }

  private targets(asked: Reset, topic: Topic): Map<number, number> {
    const { queueId, offset = -1 } = asked;
    const wrong = (remark: string) => new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    if (queueId < 0) {
      const all = Array.from({ length: topic.readQueues }, (_, id) => id);
      if (all.length === 0) throw wrong('No queues to reset.');
      return new Map(all.map((id) => [id, this.offsetByTime(topic, id, asked.timestamp)]));
    }
    if (queueId >= topic.queueIds) throw wrong(`queueId[${queueId}] is illegal`);
    if (offset === -1) {
      return new Map([[queueId, this.offsetByTime(topic, queueId, asked.timestamp)]]);
    }
    const queue = this.parts.store.findQueue(topic.name, queueId);
    const min = queue?.min ?? 0;
    const max = queue?.visible ?? 0;
    if (offset >= min && offset <= max) return new Map([[queueId, offset]]);
    throw wrong(`Target offset ${offset} not in consume queue range [${min}-${max}]`);
  }

  /** Java 4's way: the clients of the group are told, and must be there for it. */
  private resetClients(asked: Reset, topic: Topic): Map<number, number> {
    const { clients, offsets, logger } = this.parts;
    const { group, timestamp, isForce } = asked;
    const table = new Map<number, number>();
    for (let queueId = 0; queueId < topic.writeQueues; queueId += 1) {
      const known = offsets.offsetOf(group, topic.name, queueId);
      if (known === undefined) {
        const remark = `The consumer group <${group}> has no offset of queue ${queueId}`;
        throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
      }
      const wanted = this.offsetByTime(topic, queueId, timestamp);
      table.set(queueId, isForce || wanted < known ? wanted : known);
    }
    const members = clients.consumerGroup(group)?.members() ?? [];
    if (members.length === 0) {
      const remark =
        `Consumer not online, so can not reset offset, Group: ${group} Topic: ${topic.name} ` +
        `Timestamp: ${timestamp}`;
      throw new ResponseError(ResponseCode.CONSUMER_NOT_ONLINE, remark);
    }
    const body = { offsetTable: this.tableOf(topic, table) };
    for (const { peer, clientId } of members) {
      try {
        const ask = { topic: topic.name, group, timestamp, isForce };
        peer.notify(ResetConsumerClientOffset, ask, { body });
      } catch (error) {
        logger.warn('a consumer could not be told of a reset', { group, client: clientId, error });
      }
    }
    return table;
  }

  /** A negative time is the end. */
  private offsetByTime(topic: Topic, queueId: number, timestamp: number): number {
    const queue = this.parts.store.findQueue(topic.name, queueId);
    if (queue === undefined) return 0;
    return timestamp < 0 ? queue.visible : this.parts.store.offsetByTime(queue, timestamp);
  }

  private tableOf(topic: Topic, offsets: ReadonlyMap<number, number>) {
    const { brokerName } = this.parts.options;
    return [...offsets].map(([queueId, offset]): [MessageQueueBody, number] => [
      { topic: topic.name, brokerName, queueId },
      offset,
    ]);
  }
}
