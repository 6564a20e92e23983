import { messageOf } from '@nestjs-rocketmq/foundation';
import {
  encodeProperties,
  PropertyName,
  retryTopic,
  SysFlag,
  SystemTopic,
  type MessageQueue,
} from '@nestjs-rocketmq/message';
import { NoRouteError } from '../client.errors.js';
import { Delivery } from '../producer/delivery.js';
import { mostReconsumeTimes, type GroupState } from './group-state.js';
import type { Held } from './process-queue.js';

const timeout = 5_000;
const largestInt = 2 ** 31 - 1;
/** The delay level of the first retry; each further one is a level longer. */
const firstRetryLevel = 3;
const compressionBits = SysFlag.COMPRESSED | SysFlag.COMPRESSION_MASK;

/** Delay level that means: to the dead letters. */
export const toDeadLetters = -1;

/**
 * Gives messages back that could not be consumed: to the broker that holds them (it keeps them for
 * the group's retry topic or dead letters), or, when that broker does not take them, as a new
 * message to the retry topic on any broker.
 */
export class SendBack {
  private readonly delivery: Delivery;

  constructor(private readonly state: GroupState) {
    this.delivery = new Delivery(state.instance, {
      group: 'CLIENT_INNER_PRODUCER',
      retries: 2,
      retryWhenNotStoreOk: false,
      template: { topic: SystemTopic.AUTO_CREATE, queues: 1 },
    });
  }

  /**
   * `delayLevel`: 0 lets the broker choose by the number of attempts, 1 to 18 is that delay,
   * `toDeadLetters` ends the attempts. Answers false when no broker took the message.
   */
  async give(held: Held, queue: MessageQueue, delayLevel: number): Promise<boolean> {
    const { state } = this;
    const isDead = delayLevel < 0 || held.reconsumeTimes >= mostReconsumeTimes(state);
    try {
      await this.toHolder(held, queue, isDead ? toDeadLetters : delayLevel);
    } catch (error) {
      state.logger.warn('The broker of a message does not take it back; trying another.', {
        msgId: held.message.msgId,
        error: messageOf(error),
      });
      if (!(await this.toRetryTopic(held, delayLevel, isDead))) return false;
    }
    if (isDead) state.statistics.deadLettered += 1;
    else state.statistics.sentBack += 1;
    return true;
  }

  private async toHolder(held: Held, queue: MessageQueue, delayLevel: number): Promise<void> {
    const { instance, group } = this.state;
    const address = instance.routes.masterAddress(queue.brokerName);
    if (address === undefined) {
      throw new NoRouteError(`No master of broker '${queue.brokerName}' is known.`);
    }
    const { message } = held;
    const asked = {
      offset: message.logPosition,
      group,
      delayLevel,
      originMsgId: message.msgId,
      originTopic: message.topic,
      unitMode: instance.unitMode,
      maxReconsumeTimes: this.most(),
      brokerName: queue.brokerName,
    };
    await instance.calls.sendBack(address, asked, timeout);
  }

  private async toRetryTopic(held: Held, delayLevel: number, isDead: boolean): Promise<boolean> {
    const { message, reconsumeTimes } = held;
    const level = delayLevel > 0 ? delayLevel : firstRetryLevel + reconsumeTimes;
    const properties: Record<string, string | undefined> = {
      ...message.properties,
      [PropertyName.TRANSACTION_PREPARED]: undefined,
      [PropertyName.RETRY_TOPIC]: message.topic,
      [PropertyName.ORIGIN_MESSAGE_ID]:
        message.property(PropertyName.ORIGIN_MESSAGE_ID) ?? message.offsetMsgId,
      [PropertyName.DELAY_TIME_LEVEL]: isDead ? undefined : String(level),
    };
    try {
      await this.delivery.send(
        {
          topic: retryTopic(this.state.group),
          body: message.storedBody,
          flag: message.flag,
          sysFlag: message.sysFlag & compressionBits,
          properties: encodeProperties(properties),
          uniqueKey: message.msgId,
          isBatch: false,
          reconsumeTimes: reconsumeTimes + 1,
          // A broker moves what was tried more often than this to the dead letters.
          maxReconsumeTimes: isDead ? 0 : this.most(),
        },
        timeout,
      );
      return true;
    } catch (error) {
      this.state.logger.error('No broker took a message back that could not be consumed.', {
        msgId: message.msgId,
        error: messageOf(error),
      });
      return false;
    }
  }

  private most(): number {
    return Math.min(mostReconsumeTimes(this.state), largestInt);
  }
}
