import { messageOf, type Logger } from '@nestjs-rocketmq/foundation';
import { PropertyName, StoredMessage } from '@nestjs-rocketmq/message';
import {
  CheckTransactionState,
  ConsumeMessageDirectly,
  consumeMessageDirectlyResultBody,
  consumerRunningInfoBody,
  GetConsumerRunningInfo,
  GetConsumerStatusFromClient,
  NotifyConsumerIdsChanged,
  PushReplyMessageToClient,
  ResetConsumerClientOffset,
  ResponseCode,
  ResponseError,
  type Asked,
  type ConsumeMessageDirectlyResult,
  type ConsumerData,
  type ConsumerRunningInfo,
  type ConsumerStatus,
} from '@nestjs-rocketmq/protocol';
import { Router, type Peer } from '@nestjs-rocketmq/remoting';
import type { Namespace } from './namespace.js';
import type { PendingReplies } from './producer/pending-replies.js';
import type { QueueOffset } from './consumer/offset-store.js';

/** A question of a broker about a half message. */
export interface TransactionCheck {
  readonly message: StoredMessage;
  readonly asked: Asked<typeof CheckTransactionState>;
  /** Where the verdict goes. */
  readonly peer: Peer;
}

/** A producer as its instance knows it. */
export interface ProducerMember {
  readonly group: string;
  /** Absent when the producer cannot answer for transactions. */
  checkTransaction?(check: TransactionCheck): void;
}

/** A consumer as its instance knows it. */
export interface ConsumerMember {
  readonly group: string;
  /** What heartbeats say about it. */
  data(): ConsumerData;
  /** Somebody joined or left the group: share out again. */
  membersChanged(): void;
  /** Goes on elsewhere, as an operator wants. */
  resetOffsets(offsets: readonly QueueOffset[]): Promise<void>;
  /** Where it stands in its queues of a topic. */
  status(topic: string): ConsumerStatus;
  /** `jstack`: with what runs in this process now. */
  runningInfo(jstack: boolean): ConsumerRunningInfo;
  /** Runs the listener for one message, outside of all queues. */
  consumeDirectly(
    message: StoredMessage,
    brokerName: string,
  ): Promise<ConsumeMessageDirectlyResult>;
}

/** Who is here, as this file needs it. */
export interface Members {
  readonly logger: Logger;
  readonly replies: PendingReplies;
  /** Takes the namespace off the names that brokers use. */
  readonly namespace: Namespace | undefined;
  producer(group: string): ProducerMember | undefined;
  consumer(group: string): ConsumerMember | undefined;
}

/** The routes for what brokers ask of a client. */
export function brokerRequests(members: Members): Router {
  const { namespace } = members;
  const plain = (name: string): string => namespace?.unwrap(name) ?? name;
  return new Router()
    .route(CheckTransactionState, (asked, { body, peer }) => {
      const told = namespace?.told(CheckTransactionState, asked) ?? asked;
      checkTransaction(members, namespace?.records(body) ?? body, told, peer);
    })
    .route(NotifyConsumerIdsChanged, ({ consumerGroup }) => {
      members.consumer(plain(consumerGroup))?.membersChanged();
    })
    .route(ResetConsumerClientOffset, ({ group }, { body }) => {
      const offsets = [...body.offsetTable].map(([queue, offset]) => ({
        queue: namespace?.unwrapTopic(queue) ?? queue,
        offset,
      }));
      members
        .consumer(plain(group))
        ?.resetOffsets(offsets)
        .catch((error: unknown) => {
          members.logger.error('A reset of offsets failed; consumption goes on as it was.', {
            group,
            error: messageOf(error),
          });
        });
    })
    .route(PushReplyMessageToClient, (asked, { body }) => {
      const told = namespace?.told(PushReplyMessageToClient, asked) ?? asked;
      return members.replies.arrived(told, body);
    })
    .route(GetConsumerStatusFromClient, ({ group, topic }) => {
      const status = consumerOf(members, plain(group)).status(plain(topic));
      return { body: namespace?.status(status) ?? status };
    })
    .route(GetConsumerRunningInfo, ({ consumerGroup, jstackEnable }) => {
      const info = consumerOf(members, plain(consumerGroup)).runningInfo(jstackEnable);
      return { body: consumerRunningInfoBody.write(namespace?.runningInfo(info) ?? info) };
    })
    .route(ConsumeMessageDirectly, async ({ consumerGroup, brokerName }, { body }) => {
      const consumer = consumerOf(members, plain(consumerGroup));
      const message = new StoredMessage(namespace?.records(body) ?? body);
      const result = await consumer.consumeDirectly(message, brokerName ?? '');
      return { body: consumeMessageDirectlyResultBody.write(result) };
    });
}

function consumerOf(members: Members, group: string): ConsumerMember {
  const consumer = members.consumer(group);
  if (consumer !== undefined) return consumer;
  const remark = `The consumer group <${group}> does not run in this client`;
  throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
}

/** Any producer of the group may be asked; whom the message belongs to stands in its properties. */
function checkTransaction(
  members: Members,
  record: Uint8Array,
  asked: Asked<typeof CheckTransactionState>,
  peer: Peer,
): void {
  const message = new StoredMessage(record);
  const group = message.property(PropertyName.PRODUCER_GROUP);
  const producer = group === undefined ? undefined : members.producer(group);
  if (producer?.checkTransaction === undefined) {
    members.logger.warn(
      'A broker asked about a transaction of a group that has no listener here.',
      {
        group,
        msgId: message.msgId,
      },
    );
    return;
  }
  producer.checkTransaction({ message, asked, peer });
}
