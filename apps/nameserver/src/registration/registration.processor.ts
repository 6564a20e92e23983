import type { Clock, Logger } from '@nestjs-rocketmq/foundation';
import {
  decodeRegisterBrokerBody,
  registerBodyCrc,
  ResponseCode,
  ResponseError,
  sameDataVersion,
} from '@nestjs-rocketmq/protocol';
import type {
  AddWritePermOfBroker,
  Asked,
  BrokerHeartbeat,
  DeleteTopicInNamesrv,
  QueryDataVersion,
  RegisterBroker,
  RegisterTopicInNamesrv,
  UnregisterBroker,
  WipeWritePermOfBroker,
} from '@nestjs-rocketmq/protocol';
import type { Call, Outcome } from '@nestjs-rocketmq/remoting';
import type { KvConfigTable } from '../admin/kv-config.table.js';
import { orderTopicNamespace } from '../admin/kv-config.table.js';
import type { RunningSettings } from '../admin/running-settings.js';
import type { BrokerIdentity, RouteTable } from '../route/route-table.js';
import { BrokerLiveness } from './broker-liveness.js';

type Broker = Asked<typeof UnregisterBroker>;

function identityOf(asked: Broker): BrokerIdentity {
  const { clusterName, brokerName, brokerId, brokerAddr } = asked;
  return { cluster: clusterName, name: brokerName, id: brokerId, address: brokerAddr };
}

function shown({ cluster, name, id, address }: BrokerIdentity): Record<string, unknown> {
  return { cluster, broker: name, id, address };
}

/** Brokers come, beat and go. */
export class RegistrationProcessor {
  /** Who is here; swept by the server. */
  readonly liveness: BrokerLiveness;

  constructor(
    private readonly table: RouteTable,
    private readonly kvConfig: KvConfigTable,
    private readonly settings: RunningSettings,
    clock: Clock,
    private readonly logger: Logger,
  ) {
    this.liveness = new BrokerLiveness(clock, (broker, why) => {
      this.table.unregister(broker);
      this.logger.warn(`A broker is gone: ${why}`, shown(broker));
    });
  }

  readonly register = (
    asked: Asked<typeof RegisterBroker>,
    call: Call<typeof RegisterBroker>,
  ): Outcome<typeof RegisterBroker> => {
    if (asked.bodyCrc32 !== 0 && registerBodyCrc(call.body) !== asked.bodyCrc32) {
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, 'crc32 not match');
    }
    const { topicConfigSerializeWrapper } = decodeRegisterBrokerBody(call.body, call.version);
    const broker = identityOf(asked);
    const registered = this.table.register(
      {
        broker,
        haServerAddr: asked.haServerAddr,
        enableActingMaster: asked.enableActingMaster,
        zoneName: asked.zoneName,
        dataVersion: topicConfigSerializeWrapper.dataVersion,
        topics: topicConfigSerializeWrapper.topicConfigTable,
      },
      { dropMissingTopics: this.settings.values.deleteTopicWithBrokerRegistration },
    );
    if (registered.kind === 'refused') {
      const remark = 'register broker failed: the first registration must name all topics';
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    }
    if (registered.kind === 'stale') {
      this.logger.warn('A broker holds this id with a newer state; ignored', shown(broker));
      return {};
    }
    this.liveness.came(broker, call.peer, asked.heartbeatTimeoutMillis);
    if (registered.isNew) this.logger.info('A broker registered', shown(broker));
    const { master } = registered;
    return {
      header: { masterAddr: master?.address, haServerAddr: master?.haServerAddr },
      body: this.orderTopics(),
    };
  };

  readonly unregister = (asked: Asked<typeof UnregisterBroker>): void => {
    const broker = identityOf(asked);
    this.liveness.left(broker);
    if (this.table.unregister(broker)) this.logger.info('A broker left', shown(broker));
  };

  readonly heartbeat = (asked: Asked<typeof BrokerHeartbeat>): void => {
    this.liveness.beat(asked.clusterName, asked.brokerAddr);
  };

  readonly queryDataVersion = (
    asked: Asked<typeof QueryDataVersion>,
    call: Call<typeof QueryDataVersion>,
  ): Outcome<typeof QueryDataVersion> => {
    const known = this.table.dataVersionOf(asked.clusterName, asked.brokerAddr);
    const changed = known === undefined || !sameDataVersion(known, call.body);
    this.liveness.beat(asked.clusterName, asked.brokerAddr);
    return { header: { changed }, body: known };
  };

  readonly wipeWritePermission = (
    asked: Asked<typeof WipeWritePermOfBroker>,
  ): Outcome<typeof WipeWritePermOfBroker> => {
    const wipeTopicCount = this.table.setWritable(asked.brokerName, false);
    this.logger.info('Write permission taken', { broker: asked.brokerName, wipeTopicCount });
    return { header: { wipeTopicCount } };
  };

  readonly addWritePermission = (
    asked: Asked<typeof AddWritePermOfBroker>,
  ): Outcome<typeof AddWritePermOfBroker> => {
    const addTopicCount = this.table.setWritable(asked.brokerName, true);
    this.logger.info('Write permission given', { broker: asked.brokerName, addTopicCount });
    return { header: { addTopicCount } };
  };

  readonly deleteTopic = (asked: Asked<typeof DeleteTopicInNamesrv>): void => {
    const { topic, clusterName } = asked;
    this.table.deleteTopic(topic, clusterName === '' ? undefined : clusterName);
    this.logger.info('A topic was deleted', { topic, cluster: clusterName });
  };

  readonly registerTopic = (
    asked: Asked<typeof RegisterTopicInNamesrv>,
    call: Call<typeof RegisterTopicInNamesrv>,
  ): void => {
    this.table.addTopic(asked.topic, call.body.queueDatas);
  };

  private orderTopics(): { table: Record<string, string> } | undefined {
    if (!this.settings.values.returnOrderTopicConfigToBroker) return undefined;
    const table = this.kvConfig.namespace(orderTopicNamespace);
    return table && { table };
  }
}
