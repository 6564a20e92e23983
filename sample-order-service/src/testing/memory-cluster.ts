import type {
  ClientFactory,
  ClientPort,
  OutgoingMessage,
  PortConsumerOptions,
  PortTransactionListener,
  PortVerdict,
  SendResult,
  StoredMessage,
} from 'nestjs-rocketmq';

interface Half {
  readonly message: OutgoingMessage;
  readonly listener: PortTransactionListener;
  readonly transactionId: string;
}

interface Delivery {
  readonly group: PortConsumerOptions;
  readonly message: OutgoingMessage;
  readonly messageId: string;
  tries: number;
}

/** What may go wrong; each is asked at its moment. */
export interface Faults {
  /** The verdict never reaches the broker. */
  losesVerdict(): boolean;
  /** The send is refused, as with a broker that is down. */
  refusesSend(message: OutgoingMessage): boolean;
  /** The message is delivered once more. */
  deliversTwice(): boolean;
  /** Which of so many waiting deliveries comes next. */
  next(waiting: number): number;
}

const noFaults: Faults = {
  losesVerdict: () => false,
  refusesSend: () => false,
  deliversTwice: () => false,
  next: () => 0,
};

const unserved = (): Promise<never> => Promise.reject(new Error('The cluster in memory cannot.'));

/** How often a message is tried before a spec is told that it never succeeds. */
const MOST_TRIES = 50;

/**
 * A broker in memory, in the place of the client: nothing moves by itself. A spec says when
 * messages are delivered, timers fire and check-backs are made, and what goes wrong on the way.
 */
export class MemoryCluster implements ClientFactory {
  faults: Faults = noFaults;
  private readonly groups: PortConsumerOptions[] = [];
  private readonly halves: Half[] = [];
  private readonly waiting: Delivery[] = [];
  private timers: OutgoingMessage[] = [];
  private count = 0;

  connect(): ClientPort {
    return {
      producer: (_values, listener) => ({
        start: () => Promise.resolve(),
        close: () => Promise.resolve(),
        send: (message) => this.send(message),
        sendOneWay: async (message) => void (await this.send(message)),
        sendInBatches: (messages) => Promise.all(messages.map((message) => this.send(message))),
        sendInTransaction: (message, arg) => this.sendInTransaction(message, arg, listener),
        request: unserved,
        reply: unserved,
        recall: unserved,
      }),
      consumer: (options) => ({
        start: async () => void this.groups.push(options),
        close: () => Promise.resolve(),
        pause: () => undefined,
        resume: () => undefined,
      }),
      close: () => Promise.resolve(),
    };
  }

  /** Half messages about which nothing was decided. */
  get openHalves(): number {
    return this.halves.length;
  }

  /** Delivers until nothing waits; what is to be retried comes again at the end. */
  async settle(): Promise<void> {
    while (this.waiting.length > 0) {
      const [delivery] = this.waiting.splice(this.faults.next(this.waiting.length), 1);
      if (delivery !== undefined) await this.deliver(delivery);
    }
  }

  /** Delivers so many of what waits. */
  async deliverSome(count: number): Promise<void> {
    for (let left = Math.min(count, this.waiting.length); left > 0; left -= 1) {
      const [delivery] = this.waiting.splice(this.faults.next(this.waiting.length), 1);
      if (delivery !== undefined) await this.deliver(delivery);
    }
  }

  /** The time of every delayed message has come. */
  fireTimers(): void {
    for (const message of this.timers.splice(0)) this.publish(message);
  }

  /** Asks about every open half message, as if each were of this age. */
  async checkBack(ageMs: number): Promise<void> {
    for (const half of this.halves.splice(0)) {
      const bornTimestamp = new Date().getTime() - ageMs;
      const stored = storedMessage(half.message, half.transactionId, 0, bornTimestamp);
      this.decide(half, await half.listener.check(stored));
    }
  }

  private async send(message: OutgoingMessage): Promise<SendResult> {
    if (this.faults.refusesSend(message)) throw new Error('The broker is down.');
    if ((message.delayLevel ?? 0) > 0) this.timers.push(message);
    else this.publish(message);
    return this.result(message);
  }

  private async sendInTransaction(
    message: OutgoingMessage,
    arg: unknown,
    listener: PortTransactionListener,
  ): Promise<SendResult & { verdict: PortVerdict; transactionId: string }> {
    if (this.faults.refusesSend(message)) throw new Error('The broker is down.');
    const result = this.result(message);
    const transactionId = result.msgId;
    const half = { message, listener, transactionId };
    const verdict = await listener.execute(message, arg, transactionId);
    this.decide(half, this.faults.losesVerdict() ? 'UNKNOWN' : verdict);
    return { ...result, verdict, transactionId };
  }

  private decide(half: Half, verdict: PortVerdict): void {
    if (verdict === 'COMMIT') this.publish(half.message);
    if (verdict === 'UNKNOWN') this.halves.push(half);
  }

  private publish(message: OutgoingMessage): void {
    const messageId = `M${(this.count += 1)}`;
    for (const group of this.groups) {
      const wanted = group.subscriptions.some(
        ({ topic, expression = '*' }) =>
          topic === message.topic && matches(expression, message.tags),
      );
      if (!wanted) continue;
      this.waiting.push({ group, message, messageId, tries: 0 });
      if (this.faults.deliversTwice()) this.waiting.push({ group, message, messageId, tries: 0 });
    }
  }

  private async deliver(delivery: Delivery): Promise<void> {
    const { group, message, messageId, tries } = delivery;
    const stored = storedMessage(message, messageId, tries, new Date().getTime());
    const queue = { topic: message.topic, brokerName: 'memory', queueId: 0 };
    const signal = new AbortController().signal;
    const answer = await group.listener([stored], { queue, signal });
    const [verdict] = Array.isArray(answer) ? answer : [answer];
    if (verdict?.kind === 'success') return;
    delivery.tries += 1;
    if (verdict?.kind === 'dead-letter' || delivery.tries > MOST_TRIES) {
      throw new Error(`${group.group} never succeeds with ${message.topic}: ${stored.text}`);
    }
    this.waiting.push(delivery);
  }

  private result(message: OutgoingMessage): SendResult {
    const msgId = `S${(this.count += 1)}`;
    const queue = { topic: message.topic, brokerName: 'memory', queueId: 0 };
    return { status: 'SEND_OK', msgId, offsetMsgId: msgId, queue, queueOffset: this.count };
  }
}

function matches(expression: string, tag: string | undefined): boolean {
  return expression === '*' || expression.split('||').some((part) => part.trim() === tag);
}

function storedMessage(
  message: OutgoingMessage,
  msgId: string,
  reconsumeTimes: number,
  bornTimestamp: number,
): StoredMessage {
  const { topic, body, tags } = message;
  const keys = typeof message.keys === 'string' ? [message.keys] : [...(message.keys ?? [])];
  const text = new TextDecoder().decode(body);
  const known = { topic, body, text, tags, keys, msgId, reconsumeTimes, bornTimestamp };
  const properties: Record<string, string> = { ...message.properties };
  const property = (name: string): string | undefined => properties[name];
  const place = { queueId: 0, queueOffset: 0, storeTimestamp: bornTimestamp };
  return { ...known, ...place, properties, property } as unknown as StoredMessage;
}
