import { isDeadLetterTopic, isRetryTopic } from '@nestjs-rocketmq/message';
import { ResponseCode } from '@nestjs-rocketmq/protocol';
import { isRefusal } from '../broker-calls.js';
import type { ClientInstance } from '../client-instance.js';
import { BrokerRefusedError, NoRouteError } from '../client.errors.js';
import type { Delivery } from './delivery.js';
import { checkSendTopic } from './draft.js';
import { invalid } from './refusing.js';
import type { SendHooks } from './send-hooks.js';

/** What a recall handle says: which message, and which broker holds it. */
export interface RecallHandle {
  readonly topic: string;
  readonly brokerName: string;
  /** When the message is due, ms since 1970. */
  readonly deliverAt: number;
  /** The message's unique key. */
  readonly msgId: string;
}

/** Handles are texts in URL-safe base64: `v1 topic broker deliverAt msgId`. */
const version = 'v1';
const parts = 5;

/** Reads the handle that a send of a timer message answered. Throws `InvalidMessageError`. */
export function parseRecallHandle(handle: unknown): RecallHandle {
  const text = typeof handle === 'string' ? Buffer.from(handle, 'base64url').toString() : '';
  const [first, topic = '', brokerName = '', time = '', msgId = '', ...more] = text.split(' ');
  const deliverAt = Number(time);
  const isHandle = first === version && msgId !== '' && Number.isSafeInteger(deliverAt);
  if (isHandle && more.length === 0) return { topic, brokerName, deliverAt, msgId };
  return invalid(
    "This is no recall handle; give the 'recallHandle' of the result of a send with 'delayMs', " +
      `'delaySeconds' or 'deliverAt' (${parts} words in base64).`,
    { handle },
  );
}

/** What a producer asks a broker to take back. */
export interface RecallAsked {
  readonly producerGroup: string;
  readonly topic: string;
  readonly handle: string;
  readonly timeoutMs: number;
}

/** Tells the hooks what a broker answered to a recall. */
export async function watchedRecall(
  hooks: SendHooks,
  { producerGroup: group, topic, handle }: RecallAsked,
  recall: () => Promise<string>,
): Promise<string> {
  const tell = (isRecalled: boolean): void => {
    if (hooks.isIdle) return;
    hooks.recalled({ group, topic, msgId: parseRecallHandle(handle).msgId, isRecalled });
  };
  try {
    const msgId = await recall();
    tell(true);
    return msgId;
  } catch (error) {
    if (error instanceof BrokerRefusedError) tell(false);
    throw error;
  }
}

/** Asks the broker that holds the message to forget it; answers the message's unique key. */
export async function recallMessage(
  instance: ClientInstance,
  delivery: Delivery,
  asked: RecallAsked,
): Promise<string> {
  const { producerGroup, topic, handle, timeoutMs } = asked;
  checkSendTopic(topic);
  if (isRetryTopic(topic) || isDeadLetterTopic(topic)) {
    invalid(`Messages of the topic '${topic}' cannot be recalled.`, { topic });
  }
  const { brokerName } = parseRecallHandle(handle);
  await delivery.route(topic);
  const address = instance.routes.masterAddress(brokerName);
  if (address === undefined) {
    throw new NoRouteError(
      `No master of broker '${brokerName}' is known, which holds the message.`,
      {
        details: { topic, brokerName },
      },
    );
  }
  const header = { producerGroup, topic, recallHandle: handle, brokerName };
  try {
    return await instance.calls.recall(address, header, timeoutMs);
  } catch (error) {
    if (!isRefusal(error, ResponseCode.REQUEST_CODE_NOT_SUPPORTED)) throw error;
    const { responseCode, responseName, remark } = error as BrokerRefusedError;
    throw new BrokerRefusedError(
      `${address} cannot recall messages; brokers of Apache RocketMQ can from 5.3.2 on, with ` +
        "'recallMessageEnable'.",
      { responseCode, responseName, remark, address },
      { cause: error },
    );
  }
}
