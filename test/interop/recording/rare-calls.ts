import { BrokerHeartbeat, GetBrokerMemberGroup, QueryDataVersion } from '@nestjs-rocketmq/protocol';
import {
  startJavaBroker,
  type JavaBrokerOptions,
  type JavaPeer,
  type ServerVersion,
} from '../../support/java.js';
import { eventually } from '../../support/eventually.js';
import type { FrameCollector } from './frame-collector.js';
import type { MainPathPlace } from './main-path.js';

const group = 'golden-consumer';
const topic = 'Golden';
const timeout = '3000';

/** What only programs ask that use the official tools as a library. */
export async function callRarely(place: MainPathPlace, msgId: string): Promise<void> {
  const { admin, nameServers: ns, brokerAddress } = place;
  const is5 = admin.version !== '4.9.7';
  const call = (method: string, ...args: string[]) =>
    admin.run('admin-call', { ns, method, args: args.join('\n') });
  /** Of the client below the tools. */
  const below = (method: string, ...args: string[]) =>
    admin.run('admin-call', { ns, method, args: [...args, timeout].join('\n'), below: true });
  await call('getConsumeStatus', topic, group, '');
  await call('queryConsumeTimeSpan', topic, group);
  await call('getAllProducerInfo', brokerAddress);
  await call('getKVListByNamespace', 'ORDER_TOPIC_CONFIG');
  await call('fetchTopicsByCLuster', 'DefaultCluster');
  // The call goes past the relay, to the address in the message; what the broker then asks does not.
  await call('consumeMessageDirectly', group, await clientOf(place), topic, msgId);
  if (is5) {
    await call('queryTopicsByConsumer', group);
    await call('querySubscription', group, topic);
    await call('updateAndGetGroupReadForbidden', brokerAddress, group, topic, 'false');
  }
  await below('getSystemTopicList');
  await below('getUnitTopicList', 'false');
  await below('getHasUnitSubTopicList', 'false');
  await below('getHasUnitSubUnUnitTopicList', 'false');
  await below('cloneGroupOffset', brokerAddress, group, 'golden-clone', topic, 'true');
  await below('queryCorrectionOffset', brokerAddress, topic, group, 'golden-sql');
}

/** The client id of the consumer, as mqadmin prints it. */
async function clientOf({ admin, nameServers }: MainPathPlace): Promise<string> {
  const { out } = await admin.admin(['consumerConnection', '-g', group, '-n', nameServers]);
  return /\S+@\S+/.exec(out)?.[0] ?? '';
}

/** What brokers ask name servers with settings that are not the default: another broker does so. */
export async function registerRarely(
  server: ServerVersion,
  collector: FrameCollector,
  admin: JavaPeer,
  options: JavaBrokerOptions,
): Promise<void> {
  const is5 = server !== '4.9.7';
  await using broker = await startJavaBroker(server, {
    ...options,
    properties: {
      brokerName: 'broker-acting',
      registerNameServerPeriod: 10_000,
      forceRegister: false,
      ...(is5 && {
        enableSlaveActingMaster: true,
        compatibleWithOldNameSrv: false,
        skipPreOnline: true,
        enableSingleTopicRegister: true,
      }),
    },
  });
  const wanted = is5
    ? [QueryDataVersion, GetBrokerMemberGroup, BrokerHeartbeat]
    : [QueryDataVersion];
  const codes = wanted.map(({ code }) => code);
  const topicThere = ['updateTopic', '-b', broker.address, '-t', 'GoldenActing'];
  await admin.admin([...topicThere, '-n', options.nameServers]);
  const wait = eventually('what it asks', 45_000, () => collector.has(codes) || undefined);
  // What never comes is missed by the spec that reads the frames.
  await wait.catch(() => undefined);
}
