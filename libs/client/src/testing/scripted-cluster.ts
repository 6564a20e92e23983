import { silentLogger, Turn, type Clock } from '@nestjs-rocketmq/foundation';
import {
  EndTransaction,
  GetBrokerClusterInfo,
  GetRouteinfoByTopic,
  HeartBeat,
  QueryMessage,
  ResponseCode,
  ResponseError,
  RecallMessage,
  SendBatchMessage,
  SendMessageV2,
  UnregisterClient,
  UpdateAndCreateTopic,
  ViewMessageById,
  type Asked,
  type BrokerData,
  type HeartbeatData,
  type TopicRouteData,
} from '@nestjs-rocketmq/protocol';
import {
  RemotingServer,
  Router,
  type Network,
  type Outcome,
  type Peer,
} from '@nestjs-rocketmq/remoting';
import { ScriptedQueues } from './scripted-queues.js';

export type SendAsked = Asked<typeof SendMessageV2>;
export type SendOutcome = Outcome<typeof SendMessageV2>;

export interface ReceivedSend {
  readonly broker: string;
  readonly asked: SendAsked;
  readonly body: Uint8Array;
}

/** The id that a scripted broker gives: 127.0.0.1, port 0, log position 256. */
export const scriptedOffsetId = '7F000001000000000000000000000100';

/** For specs: name server and brokers that answer as told, and remember what they were asked. */
export class ScriptedCluster {
  readonly routes = new Map<string, TopicRouteData>();
  readonly sends: ReceivedSend[] = [];
  readonly decisions: Asked<typeof EndTransaction>[] = [];
  readonly heartbeats: HeartbeatData[] = [];
  readonly unregistered: string[] = [];
  /** Topics that clients created, with the broker's name. */
  readonly created: { broker: string; asked: Asked<typeof UpdateAndCreateTopic> }[] = [];
  readonly queries: Asked<typeof QueryMessage>[] = [];
  routeQuestions = 0;
  /** Peers that sent a heartbeat, the last one last. */
  readonly clients: Peer[] = [];
  /** For consumers. */
  readonly queues: ScriptedQueues;
  private readonly servers = new Map<string, RemotingServer>();
  private addresses = new Map<string, string>();
  nameServer = '';
  /** Records that a broker finds by key. */
  onQuery: (broker: string) => readonly Uint8Array[] = () => [];
  /** The record at a position of the log. */
  onView: (offset: number) => Uint8Array | undefined = () => undefined;
  /** Answers sends; SUCCESS by default. */
  onSend: (send: ReceivedSend) => SendOutcome | Promise<SendOutcome> = () => ({});

  /** Answers recalls; undefined: no broker knows the request. */
  onRecall: ((asked: Asked<typeof RecallMessage>) => Outcome<typeof RecallMessage>) | undefined;
  /** May throw to refuse a heartbeat. */
  onHeartbeat: (broker: string) => void = () => undefined;

  private constructor(
    private readonly network: Network,
    private readonly clock: Clock,
  ) {
    this.queues = new ScriptedQueues(clock);
  }

  static async start(
    network: Network,
    clock: Clock,
    brokers: readonly string[] = ['broker-a'],
  ): Promise<ScriptedCluster> {
    const cluster = new ScriptedCluster(network, clock);
    const nameServer = await cluster.listen(cluster.nameServerRouter());
    cluster.servers.set('', nameServer);
    cluster.nameServer = `127.0.0.1:${nameServer.address.port}`;
    for (const name of brokers) {
      const broker = await cluster.listen(cluster.brokerRouter(name));
      cluster.servers.set(name, broker);
      cluster.addresses.set(name, `127.0.0.1:${broker.address.port}`);
    }
    return cluster;
  }

  addressOf(broker: string): string {
    return this.addresses.get(broker) ?? '';
  }

  /** Makes a topic with `queues` queues on each broker (all of them by default). */
  addTopic(topic: string, queues: number, brokers: readonly string[] = [...this.addresses.keys()]) {
    this.routes.set(topic, {
      brokerDatas: brokers.map((brokerName) => this.dataOf(brokerName)),
      queueDatas: brokers.map((brokerName) => ({
        brokerName,
        perm: 6,
        readQueueNums: queues,
        writeQueueNums: queues,
        topicSysFlag: 0,
      })),
      filterServerTable: {},
      orderTopicConf: undefined,
    });
  }

  /** Stops a broker, or the name server (`''`), at once. */
  async stop(name: string): Promise<void> {
    await this.servers.get(name)?.close({ deadlineMs: 0 });
    this.servers.delete(name);
  }

  async close(): Promise<void> {
    this.queues.close();
    await Promise.all([...this.servers.keys()].map((name) => this.stop(name)));
  }

  private dataOf(brokerName: string): BrokerData {
    return {
      brokerName,
      cluster: 'c',
      brokerAddrs: { 0: this.addressOf(brokerName) },
      enableActingMaster: false,
      zoneName: undefined,
    };
  }

  private listen(router: Router): Promise<RemotingServer> {
    const { network, clock } = this;
    const turn = new Turn();
    const where = { host: '127.0.0.1', port: 0 };
    return RemotingServer.listen({ ...where, router, turn, network, clock, logger: silentLogger });
  }

  private nameServerRouter(): Router {
    return new Router()
      .route(GetRouteinfoByTopic, ({ topic }) => {
        this.routeQuestions += 1;
        const body = this.routes.get(topic);
        return body === undefined ? { code: 'TOPIC_NOT_EXIST' } : { body };
      })
      .route(GetBrokerClusterInfo, () => {
        const brokers = [...this.addresses.keys()].map((name) => [name, this.dataOf(name)]);
        return { body: { brokerAddrTable: Object.fromEntries(brokers), clusterAddrTable: {} } };
      });
  }

  private brokerRouter(broker: string): Router {
    const send = async (asked: SendAsked, body: Uint8Array): Promise<SendOutcome> => {
      const received = { broker, asked, body: body.slice() };
      this.sends.push(received);
      const outcome = await this.onSend(received);
      const header = {
        msgId: scriptedOffsetId,
        queueId: asked.queueId,
        queueOffset: this.sends.length - 1,
      };
      return { header, ...outcome };
    };
    const router = new Router();
    this.queues.route(router);
    return router
      .route(UpdateAndCreateTopic, (asked) => void this.created.push({ broker, asked }))
      .route(QueryMessage, (asked) => {
        this.queries.push(asked);
        const header = { indexLastUpdateTimestamp: 0, indexLastUpdatePhyoffset: 0 };
        return { header, body: Buffer.concat(this.onQuery(broker)) };
      })
      .route(ViewMessageById, ({ offset }) => {
        const body = this.onView(offset);
        if (body !== undefined) return { body };
        throw new ResponseError(ResponseCode.SYSTEM_ERROR, 'can not find message by the offset');
      })
      .route(SendMessageV2, (asked, { body }) => send(asked, body))
      .route(SendBatchMessage, (asked, { body }) => send(asked, body))
      .route(
        RecallMessage,
        (asked) => this.onRecall?.(asked) ?? { code: 'REQUEST_CODE_NOT_SUPPORTED' },
      )
      .route(EndTransaction, (asked) => void this.decisions.push(asked))
      .route(UnregisterClient, ({ producerGroup, consumerGroup, clientID }) => {
        this.unregistered.push(producerGroup ?? consumerGroup ?? '');
        if (consumerGroup === undefined) return;
        this.queues.members.get(consumerGroup)?.delete(clientID);
        this.queues.notify(consumerGroup);
      })
      .route(HeartBeat, (_, { body, peer }) => {
        this.onHeartbeat(broker);
        this.heartbeats.push(body);
        this.clients.push(peer);
        for (const { groupName } of body.consumerDataSet) {
          const members = this.queues.members.get(groupName) ?? new Map<string, Peer>();
          const isNew = !members.has(body.clientID);
          this.queues.members.set(groupName, members.set(body.clientID, peer));
          if (isNew) this.queues.notify(groupName);
        }
      });
  }
}
