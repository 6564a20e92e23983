import { isClosedForClients, isRetryTopic, topicNameProblem } from '@nestjs-rocketmq/message';
import { ResponseCode } from '@nestjs-rocketmq/protocol';
import { isWritable } from '../topics/permissions.js';
import type { Topic } from '../topics/topic.js';
import type { TopicTable } from '../topics/topic-table.js';

/** Why a message is not taken. */
export interface SendRefusal {
  readonly code: number;
  readonly remark: string;
}

/** What a send says of its topic. */
export interface TopicAsk {
  readonly topic: string;
  readonly defaultTopic: string;
  readonly defaultTopicQueueNums: number;
  readonly queueId: number;
  readonly unitMode?: boolean | undefined;
}

export interface SendCheckOptions {
  readonly brokerIP1: string;
  readonly brokerPermission: number;
}

const unitBit = 1;
const unitSubscriptionBit = 2;

/**
 * May this message be written here? The questions and their order are those of Apache's
 * `AbstractSendMessageProcessor`, 5.3.3. A topic that is known and open was checked when it came
 * into being, so the usual message costs one look into the table.
 */
export class SendChecks {
  constructor(
    private readonly topics: TopicTable,
    private readonly options: SendCheckOptions,
  ) {}

  /** The topic to write to, made where that is allowed; or why not. */
  topicFor(asked: TopicAsk, producer: string): Topic | SendRefusal {
    const name = asked.topic;
    const known = this.topics.get(name);
    if (known === undefined || known.isClosed) {
      const refusal = this.nameRefusal(name);
      if (refusal !== undefined) return refusal;
    }
    const topic = known ?? this.create(asked);
    if (topic === undefined) {
      return {
        code: ResponseCode.TOPIC_NOT_EXIST,
        remark:
          `topic[${name}] not exist, apply first please! Create it with mqadmin updateTopic, ` +
          'or let it create itself with autoCreateTopicEnable=true.',
      };
    }
    if (topic.isOrdered && !isWritable(this.options.brokerPermission)) {
      return {
        code: ResponseCode.NO_PERMISSION,
        remark: `the broker[${this.options.brokerIP1}] sending message is forbidden`,
      };
    }
    if (asked.queueId >= topic.queueIds || (asked.queueId < 0 && topic.writeQueues < 1)) {
      return {
        code: ResponseCode.INVALID_PARAMETER,
        remark:
          `request queueId[${asked.queueId}] is illegal, topic ${name} has ${topic.writeQueues} ` +
          `write and ${topic.readQueues} read queues, Producer: ${producer}`,
      };
    }
    return topic;
  }

  private nameRefusal(name: string): SendRefusal | undefined {
    const problem = topicNameProblem(name);
    if (problem !== undefined) return { code: ResponseCode.INVALID_PARAMETER, remark: problem };
    if (!isClosedForClients(name)) return undefined;
    return {
      code: ResponseCode.NO_PERMISSION,
      remark: `Sending message to topic[${name}] is forbidden.`,
    };
  }

  private create(asked: TopicAsk): Topic | undefined {
    const isRetry = isRetryTopic(asked.topic);
    const sysFlag = asked.unitMode === true ? (isRetry ? unitSubscriptionBit : unitBit) : 0;
    const { topic, defaultTopic, defaultTopicQueueNums } = asked;
    return (
      this.topics.createForSending(topic, defaultTopic, defaultTopicQueueNums, sysFlag) ??
      (isRetry ? this.topics.ensure(topic, 1, { topicSysFlag: sysFlag }) : undefined)
    );
  }
}

export function isRefusal(value: object): value is SendRefusal {
  return 'remark' in value;
}
