import {
  compressBody,
  compressBodyAside,
  encodeBatch,
  isRetryTopic,
  zlibBits,
  type OutgoingMessage,
} from '@nestjs-rocketmq/message';
import { checkBody, CheckedTopics, checkSize, propertiesOf, type Draft } from './draft.js';
import { isDelayed } from './delays.js';
import { invalid } from './refusing.js';

/** From this size on a body is compressed on the thread pool. */
const compressAsideFrom = 16 * 1024;

export interface DraftSettings {
  readonly maxMessageSize: number;
  readonly compressBodyOver: number;
  readonly compressLevel: number;
}

/** Checks messages and makes them ready to be sent. */
export class Drafts {
  private readonly topics = new CheckedTopics();

  constructor(
    private readonly settings: DraftSettings,
    private readonly nextKey: () => string,
  ) {}

  /** Throws `InvalidMessageError` or `MessageTooLargeError`; properties are checked by the draft. */
  check(message: OutgoingMessage): void {
    this.topics.check(message.topic);
    checkBody(message, this.settings.maxMessageSize);
  }

  /** True when the body stays as it is, so that `plain` can be called. */
  staysPlain(message: OutgoingMessage): boolean {
    return message.body.length < this.settings.compressBodyOver;
  }

  /** `extra` is property text of ours, `sysFlag` bits of ours. */
  plain(message: OutgoingMessage, extra: string, sysFlag: number): Draft {
    return this.draft(message, message.body, extra, sysFlag);
  }

  /** The same with a compressed body. */
  async packed(message: OutgoingMessage, extra: string, sysFlag: number): Promise<Draft> {
    const { compressLevel } = this.settings;
    const { body } = message;
    const packed =
      body.length < compressAsideFrom
        ? compressBody(body, compressLevel)
        : await compressBodyAside(body, compressLevel);
    return this.draft(message, packed, extra, sysFlag | zlibBits);
  }

  /** Several messages of one topic as one; throws when they cannot be. */
  batch(messages: readonly OutgoingMessage[]): Draft {
    const first = messages[0];
    if (first === undefined) return invalid('The batch is empty.');
    const { topic } = first;
    const keys: string[] = [];
    const parts = messages.map((message) => {
      this.check(message);
      checkBatchMember(message, first);
      const key = this.nextKey();
      keys.push(key);
      const { body, flag = 0 } = message;
      return { body, flag, properties: propertiesOf(message, key) };
    });
    const body = encodeBatch(parts);
    checkSize(body.length, this.settings.maxMessageSize, `The batch to '${topic}'`, topic);
    const uniqueKey = keys.join(',');
    const own = { topic, body, waitStoreMsgOk: first.waitStoreMsgOk ?? true };
    const properties = propertiesOf(own, this.nextKey());
    const source = messages;
    return { topic, body, flag: 0, sysFlag: 0, properties, uniqueKey, isBatch: true, source };
  }

  private draft(message: OutgoingMessage, body: Uint8Array, extra: string, sysFlag: number): Draft {
    const uniqueKey = this.nextKey();
    const properties = propertiesOf(message, uniqueKey, extra);
    const { topic, flag = 0 } = message;
    const source = message;
    return { topic, body, flag, sysFlag, properties, uniqueKey, isBatch: false, source };
  }
}

/** Throws unless the message may stand in one batch with the first one. */
export function checkBatchMember(message: OutgoingMessage, first: OutgoingMessage): void {
  const { topic } = first;
  const fail = (why: string): never =>
    invalid(`These messages cannot be one batch: ${why}.`, { topic });
  if (message.topic !== topic) fail(`they go to the topics '${topic}' and '${message.topic}'`);
  if (isRetryTopic(topic)) fail(`'${topic}' is a retry topic`);
  if (isDelayed(message)) fail('one of them is to be delivered later');
  if ((message.waitStoreMsgOk ?? true) !== (first.waitStoreMsgOk ?? true)) {
    fail("they differ in 'waitStoreMsgOk'");
  }
}
