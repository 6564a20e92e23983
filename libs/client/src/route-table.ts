import { messageOf, type Logger } from '@nestjs-rocketmq/foundation';
import { compareQueues, type MessageQueue } from '@nestjs-rocketmq/message';
import { Permission, type BrokerData, type TopicRouteData } from '@nestjs-rocketmq/protocol';

const masterId = 0;

/** A queue that can be written, with the address of its broker's master. */
export interface PublishQueue extends MessageQueue {
  readonly address: string;
}

/** A template topic of automatic creation and how many queues are wished. */
export interface Template {
  readonly topic: string;
  readonly queues: number;
}

/** What the name servers said about a topic, made ready for use. */
export interface TopicRoute {
  readonly topic: string;
  readonly brokers: readonly BrokerData[];
  /** Sorted by broker name and queue id; only queues of brokers whose master is known. */
  readonly publish: readonly PublishQueue[];
  readonly subscribe: readonly MessageQueue[];
  /** True while the topic does not exist and the route is that of the template. */
  readonly isTemplate: boolean;
  /** Equal texts mean that nothing changed. */
  readonly fingerprint: string;
}

/** Asks the name servers; undefined means that they do not know the topic. */
export type FetchRoute = (topic: string) => Promise<TopicRouteData | undefined>;

function addressesOf(broker: BrokerData): [id: number, address: string][] {
  return Object.entries(broker.brokerAddrs).map(([id, address]) => [Number(id), String(address)]);
}

function masterOf(broker: BrokerData | undefined): string | undefined {
  if (broker === undefined) return undefined;
  return addressesOf(broker).find(([id]) => id === masterId)?.[1];
}

/** The address of a broker's master, else of a slave of it. */
export function addressOfBroker(broker: BrokerData): string | undefined {
  return masterOf(broker) ?? addressesOf(broker)[0]?.[1];
}

function queuesUpTo(topic: string, brokerName: string, count: number): MessageQueue[] {
  return Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId }));
}

/** Queue counts per broker of an order topic (`brokerA:4;brokerB:4`), which override the others. */
function orderedCounts(text: string | null | undefined): Map<string, number> | undefined {
  if (text === undefined || text === null || text === '') return undefined;
  const pairs = text.split(';').map((part): [string, number] => {
    const [name = '', count = '0'] = part.split(':');
    return [name, Number(count)];
  });
  return new Map(pairs.filter(([name, count]) => name !== '' && count > 0));
}

/** Makes a route ready for use. With a template the queue counts are cut to what is wished. */
export function readRoute(topic: string, data: TopicRouteData, template?: Template): TopicRoute {
  const brokers = new Map(data.brokerDatas.map((broker) => [broker.brokerName, broker]));
  const ordered = orderedCounts(data.orderTopicConf);
  const publish: PublishQueue[] = [];
  const subscribe: MessageQueue[] = [];
  for (const queue of data.queueDatas) {
    const { brokerName, perm } = queue;
    const master = masterOf(brokers.get(brokerName));
    const wished = template && Math.min(template.queues, queue.readQueueNums);
    const readCount = wished ?? queue.readQueueNums;
    const writeCount = wished ?? ordered?.get(brokerName) ?? queue.writeQueueNums;
    if ((perm & Permission.read) !== 0) subscribe.push(...queuesUpTo(topic, brokerName, readCount));
    if ((perm & Permission.write) === 0 || master === undefined) continue;
    if (ordered !== undefined && !ordered.has(brokerName)) continue;
    for (const one of queuesUpTo(topic, brokerName, writeCount)) {
      publish.push({ ...one, address: master });
    }
  }
  publish.sort(compareQueues);
  subscribe.sort(compareQueues);
  const places = [...brokers.values()].map((broker) => [
    broker.brokerName,
    ...addressesOf(broker).sort(([a], [b]) => a - b),
  ]);
  const fingerprint = JSON.stringify([publish, subscribe, places.sort()]);
  return {
    topic,
    brokers: [...brokers.values()],
    publish,
    subscribe,
    isTemplate: template !== undefined,
    fingerprint,
  };
}

/**
 * Topic to queues and broker addresses. A route stays in use until a newer one arrives: name
 * servers that are gone, or that forgot a topic, do not stop who already knows the way.
 */
export class RouteTable {
  private readonly routes = new Map<string, TopicRoute>();
  private readonly asking = new Map<string, Promise<TopicRoute | undefined>>();
  private readonly watched = new Map<string, Template | undefined>();
  private readonly listeners = new Set<(topic: string) => void>();
  private addresses = new Map<string, Map<number, string>>();
  /** Brokers that are known without a topic of theirs being in use. */
  private others: readonly BrokerData[] = [];

  constructor(
    private readonly fetch: FetchRoute,
    private readonly logger: Logger,
  ) {}

  /** The route as last heard; does not ask. */
  known(topic: string): TopicRoute | undefined {
    return this.routes.get(topic);
  }

  /** The route as known, or asked now. From then on it is refreshed with the others. */
  async find(topic: string, template?: Template): Promise<TopicRoute | undefined> {
    const known = this.routes.get(topic);
    if (known !== undefined && (template !== undefined || !known.isTemplate)) return known;
    return this.refresh(topic, template);
  }

  /** Asks now; at most one question per topic is under way. Rejects when nobody answers. */
  refresh(topic: string, template?: Template): Promise<TopicRoute | undefined> {
    this.watch(topic, template);
    const running = this.asking.get(topic);
    if (running !== undefined) return running;
    const asked = this.ask(topic).finally(() => this.asking.delete(topic));
    this.asking.set(topic, asked);
    return asked;
  }

  /** Asks for all topics in use; a failure keeps what is known. */
  async refreshAll(): Promise<void> {
    const rounds = [...this.watched.keys()].map(async (topic) => {
      try {
        await this.refresh(topic);
      } catch (error) {
        this.logger.warn('A route could not be refreshed; the last known one stays in use.', {
          topic,
          error: messageOf(error),
        });
      }
    });
    await Promise.all(rounds);
  }

  /** Keeps a topic refreshed. */
  watch(topic: string, template?: Template): void {
    if (template !== undefined || !this.watched.has(topic)) this.watched.set(topic, template);
  }

  /** Calls back when queues or addresses of a topic (`''`: of none) changed; answers how to stop. */
  onChange(listener: (topic: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Takes in brokers that no route in use may name. */
  learnBrokers(brokers: readonly BrokerData[]): void {
    this.others = brokers;
    this.addresses = this.collectAddresses();
    for (const listener of this.listeners) listener('');
  }

  /** The address of a broker's master, as far as any route tells. */
  masterAddress(brokerName: string): string | undefined {
    return this.addresses.get(brokerName)?.get(masterId);
  }

  /** The address of one broker id, else of any of that name (a slave may still be read from). */
  readAddress(brokerName: string, brokerId: number): { address: string; id: number } | undefined {
    const all = this.addresses.get(brokerName);
    if (all === undefined) return undefined;
    for (const id of [brokerId, brokerId + 1, ...all.keys()]) {
      const address = all.get(id);
      if (address !== undefined) return { address, id };
    }
    return undefined;
  }

  /** Addresses for heartbeats: every broker, or masters only. */
  brokerAddresses(mastersOnly: boolean): string[] {
    const found = new Set<string>();
    for (const all of this.addresses.values()) {
      for (const [id, address] of all) {
        if (!mastersOnly || id === masterId) found.add(address);
      }
    }
    return [...found];
  }

  /** Any address that serves the topic: a random broker's master, else a slave of it. */
  anyAddress(topic: string): string | undefined {
    const brokers = this.routes.get(topic)?.brokers ?? [];
    const broker = brokers[Math.floor(Math.random() * brokers.length)];
    return broker && addressOfBroker(broker);
  }

  private async ask(topic: string): Promise<TopicRoute | undefined> {
    const data = await this.fetch(topic);
    if (data !== undefined) return this.learn(readRoute(topic, data));
    const template = this.watched.get(topic);
    const known = this.routes.get(topic);
    if (template === undefined || known?.isTemplate === false) return known;
    const templateData = await this.fetch(template.topic);
    if (templateData === undefined) return known;
    return this.learn(readRoute(topic, templateData, template));
  }

  private learn(route: TopicRoute): TopicRoute {
    const known = this.routes.get(route.topic);
    const isSame =
      known?.fingerprint === route.fingerprint && known.isTemplate === route.isTemplate;
    if (known !== undefined && isSame) return known;
    this.routes.delete(route.topic); // so that it becomes the newest of the map
    this.routes.set(route.topic, route);
    this.addresses = this.collectAddresses();
    for (const listener of this.listeners) listener(route.topic);
    return route;
  }

  private collectAddresses(): Map<string, Map<number, string>> {
    const all = new Map<string, Map<number, string>>();
    // Routes are walked oldest first, so that of two addresses for one id the newer one wins.
    const brokers = [...this.routes.values()].flatMap((route) => route.brokers);
    for (const broker of [...this.others, ...brokers]) {
      const known = all.get(broker.brokerName) ?? new Map<number, string>();
      for (const [id, address] of addressesOf(broker)) known.set(id, address);
      all.set(broker.brokerName, known);
    }
    return all;
  }
}
