import {
  allocateQueues,
  averagely,
  averagelyByCircle,
  consistentHash,
  PushConsumer,
  type AllocationStrategy,
} from '@nestjs-rocketmq/client';
import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import type { MessageQueue } from '@nestjs-rocketmq/message';
import { eventually } from '../support/eventually.js';
import {
  createTopic,
  JavaPeer,
  prepareJava,
  startJavaServers,
  type ServerVersion,
} from '../support/java.js';
import { startOurServers } from '../support/our-servers.js';

/**
 * Groups whose members are Java 4.9.8, Java 5.5.0 and ours at once. They join and leave by seed; after
 * each change every member owns what the strategy says for the members that are there.
 */
const seed = seedOfRun();
const memberships = Number(process.env['MEMBERSHIPS'] ?? 100);
const serverName = process.env['INTEROP_SERVER'] ?? 'ours';
const deadline = 60_000;
const strategies = [averagely, averagelyByCircle, consistentHash()];

/** Client id, and queues in the form `topic:broker:queue`, sorted. */
interface Share {
  readonly clientId: string;
  readonly queues: readonly string[];
}

interface Hosts {
  shares(): Promise<Share[]>;
  join(id: string, group: string, topic: string, strategy: AllocationStrategy): Promise<unknown>;
  leave(id: string): Promise<unknown>;
}

let servers: Awaited<ReturnType<typeof startServers>>;
let hosts: readonly Hosts[];
let peers: readonly JavaPeer[];

async function startServers() {
  if (serverName === 'ours') return startOurServers();
  const java = await startJavaServers(serverName as ServerVersion);
  return { ...java, brokerAddress: java.broker.address, brokerName: java.broker.name };
}

beforeAll(async () => {
  prepareJava();
  servers = await startServers();
  peers = await Promise.all([JavaPeer.start('4.9.8'), JavaPeer.start('5.5.0')]);
  hosts = [...peers.map(javaHosts), ourHosts()];
});

afterAll(async () => {
  await Promise.all((hosts ?? []).slice(2).map((one) => one.leave('*')));
  await Promise.all((peers ?? []).map((peer) => peer.program.kill()));
  await servers?.close();
});

function javaHosts(peer: JavaPeer): Hosts {
  return {
    join: (id, group, topic, strategy) =>
      peer.run('push', {
        id,
        ns: servers.nameServers,
        group,
        topic,
        strategy: strategy.name,
        instance: `${group}-${id}-${peer.version}`,
      }),
    leave: (id) => peer.run('stop', { id }),
    shares: async () => {
      const events = await peer.run('shares');
      return events.flatMap(({ event, clientId, queues }) =>
        event === 'share'
          ? [{ clientId: clientId as string, queues: (queues as string[]).toSorted() }]
          : [],
      );
    },
  };
}

function ourHosts(): Hosts {
  const consumers = new Map<string, PushConsumer>();
  return {
    async join(id, group, topic, strategy) {
      const consumer = new PushConsumer({
        nameServers: servers.nameServers,
        group,
        strategy,
        instanceName: `${group}-${id}`,
        subscriptions: [{ topic }],
        pollNameServerInterval: 1_000,
        heartbeatBrokerInterval: 1_000,
        rebalanceInterval: 1_000,
        listener: () => ({ kind: 'success' }),
      });
      await consumer.start();
      consumers.set(id, consumer);
    },
    async leave(id) {
      for (const [name, consumer] of consumers) {
        if (id !== '*' && id !== name) continue;
        await consumer.close();
        consumers.delete(name);
      }
    },
    shares: async () =>
      [...consumers.values()].map((one) => ({
        clientId: one.clientId,
        queues: one
          .assignedQueues()
          .filter(({ topic }) => !topic.startsWith('%RETRY%'))
          .map(nameOf)
          .toSorted(),
      })),
  };
}

const nameOf = ({ topic, brokerName, queueId }: MessageQueue) =>
  `${topic}:${brokerName}:${queueId}`;

/** What every member owns when the strategy is asked for those that are there. */
function expected(
  strategy: AllocationStrategy,
  group: string,
  queues: readonly MessageQueue[],
  shares: readonly Share[],
): Share[] {
  const ids = shares.map(({ clientId }) => clientId);
  return ids.map((clientId) => ({
    clientId,
    queues: allocateQueues(strategy, group, clientId, queues, ids).map(nameOf).toSorted(),
  }));
}

describe(`groups of Java 4.9.8, Java 5.5.0 and ours (SEED=${seed})`, () => {
  it.each(strategies.map((strategy, at) => [strategy.name, at] as const))(
    'share queues out by %s, whoever joins and leaves',
    async (name, at) => {
      const random = new SeededRandom(seed + at);
      const strategy = strategies[at] as AllocationStrategy;
      const count = Math.ceil(memberships / strategies.length);
      const topic = `Members-${name}`;
      const group = `g-${topic}`;
      const { brokerAddress, brokerName } = servers;
      await createTopic(brokerAddress, topic, 11);
      const queues = Array.from({ length: 11 }, (_, queueId) => ({ topic, brokerName, queueId }));
      const members = new Map<string, Hosts>();
      const toggle = async () => {
        const host = random.below(hosts.length);
        const id = `m${host}${random.below(3)}`;
        const here = members.get(id);
        const one = here ?? (hosts[host] as Hosts);
        if (here === undefined) {
          members.set(id, one);
          await one.join(id, group, topic, strategy);
          return true;
        }
        if (members.size === 1) return false;
        members.delete(id);
        await one.leave(id);
        return true;
      };
      for (let change = 0; change < count; change += 1) {
        while (!(await toggle()));
        if (random.chance(0.5)) await toggle();
        let shares: Share[] = [];
        const agree = async () => {
          shares = (await Promise.all(hosts.map((one) => one.shares()))).flat();
          const wanted = expected(strategy, group, queues, shares);
          return JSON.stringify(shares) === JSON.stringify(wanted) ? true : undefined;
        };
        await eventually(`the shares of change ${change}`, deadline, agree).catch(() => undefined);
        expect(shares).toEqual(expected(strategy, group, queues, shares));
        expect(shares).toHaveLength(members.size);
      }
      for (const [id, one] of members) await one.leave(id);
    },
    600_000,
  );
});
