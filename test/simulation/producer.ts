import { encodeBatch, encodeProperties, parseOffsetMessageId } from '@nestjs-rocketmq/message';
import { SendBatchMessage, SendMessageV2 } from '@nestjs-rocketmq/protocol';
import { Client, type Ended } from './client.js';
import type { History, SentMessage } from './history.js';
import type { Model } from './model.js';
import { type Step, paymentTopic } from './story.js';
import { priceOf } from './subscription.js';
import { delayTopic, halfTopic } from './topics.js';
import type { World } from './world.js';

type Sending = Extract<Step, { do: 'send' }>;
type SendAnswer = Ended<typeof SendMessageV2 | typeof SendBatchMessage>;

/** Answers that say: stored, but not as safely as wished. */
const doubtful = new Set(['FLUSH_DISK_TIMEOUT', 'FLUSH_SLAVE_TIMEOUT']);

export const payerGroup = 'payers';

/** Sends messages, alone and in batches, and half messages; never twice the same. */
export class Producer extends Client {
  private count = 0;

  constructor(
    name: string,
    world: World,
    history: History,
    private readonly model: Model,
    router?: ConstructorParameters<typeof Client>[3],
  ) {
    super(name, world, history, router);
  }

  send(step: Sending): void {
    const { topic, queueId, tag, size, count } = step;
    const level = count > 1 ? 0 : step.level;
    const messages = Array.from({ length: count }, () =>
      this.message({ topic, queueId, tag, size, level, isHalf: false }),
    );
    void this.transmit(messages, step.isBinary ? 'binary' : 'json');
  }

  half(step: Extract<Step, { do: 'half' }>): void {
    const { queueId, size, level } = step;
    const draft = { topic: paymentTopic, queueId, tag: 'Aa', size, level, isHalf: true };
    void this.transmit([this.message(draft)], 'json');
  }

  private message(
    draft: Pick<SentMessage, 'topic' | 'queueId' | 'tag' | 'level' | 'isHalf'> & { size: number },
  ): SentMessage {
    const { size, ...rest } = draft;
    const id = `${this.name}-${this.count++}`;
    const message: SentMessage = {
      ...rest,
      id,
      by: this.name,
      text: `${id} ${'x'.repeat(size)}`,
      sentAt: this.world.clock.time,
      sentDate: this.world.clock.now(),
      life: this.world.lives,
      outcome: 'pending',
      endedAt: Number.POSITIVE_INFINITY,
      place: undefined,
    };
    this.history.messages.set(id, message);
    return message;
  }

  private async transmit(messages: SentMessage[], form: 'json' | 'binary'): Promise<void> {
    const first = messages[0] as SentMessage;
    const isBatch = messages.length > 1;
    const asked = {
      producerGroup: payerGroup,
      topic: first.topic,
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId: first.queueId,
      sysFlag: first.isHalf ? 4 : 0,
      bornTimestamp: this.world.clock.now(),
      flag: 0,
      properties: isBatch ? '' : propertiesOf(first),
      batch: isBatch,
    };
    const body = isBatch
      ? encodeBatch(
          messages.map((one) => ({ flag: 0, body: bytesOf(one), properties: propertiesOf(one) })),
        )
      : bytesOf(first);
    this.note(`sends ${messages.map(({ id }) => id).join()} to ${first.topic}/${first.queueId}`);
    const definition = isBatch ? SendBatchMessage : SendMessageV2;
    const ended: SendAnswer = await this.ask(definition, asked, { body, form });
    this.end(messages, ended);
  }

  private end(messages: SentMessage[], ended: SendAnswer): void {
    const first = messages[0] as SentMessage;
    const ids = ended.outcome === 'ok' ? ended.answer.header.msgId.split(',') : [];
    const isDoubtful = ended.outcome === 'ok' && doubtful.has(ended.answer.name);
    messages.forEach((message, i) => {
      message.endedAt = this.world.clock.time;
      message.outcome = isDoubtful ? 'unknown' : this.outcomeOf(ended);
      if (ended.outcome !== 'ok') return;
      const { queueOffset } = ended.answer.header;
      message.place = {
        ...placeOf(message),
        offset: queueOffset + i,
        position: parseOffsetMessageId(ids[i] ?? '').position,
      };
      this.model.stands(message.place, message.id, message.sentDate);
    });
    const at =
      first.place === undefined ? '' : ` at ${first.place.offset}, ${first.place.position}`;
    this.note(`${first.id} ${first.outcome}${at}`);
  }
}

/** In which queue the broker puts a message first. */
function placeOf(message: SentMessage): { topic: string; queueId: number } {
  if (message.isHalf) return { topic: halfTopic, queueId: 0 };
  if (message.level > 0) return { topic: delayTopic, queueId: message.level - 1 };
  return { topic: message.topic, queueId: message.queueId };
}

function propertiesOf(message: SentMessage): string {
  const price = priceOf(message.id);
  return encodeProperties({
    UNIQ_KEY: message.id,
    TAGS: message.tag,
    KEYS: `key-${message.id}`,
    ...(price === undefined ? {} : { price: String(price) }),
    ...(message.level > 0 ? { DELAY: String(message.level) } : {}),
    ...(message.isHalf ? { TRAN_MSG: 'true', PGROUP: payerGroup } : {}),
  });
}

function bytesOf(message: SentMessage): Uint8Array {
  return new TextEncoder().encode(message.text);
}
