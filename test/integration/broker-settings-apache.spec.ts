import { BrokerRoleError } from '@nestjs-rocketmq/broker';
import { OperatedBroker } from '../support/operated-broker.js';

/** Values of the single-broker file and of the folders for clusters that Apache's servers come with. */
function settingsOf(name: string, id: number, role: string): Record<string, string> {
  return {
    brokerClusterName: 'DefaultCluster',
    brokerName: name,
    brokerId: String(id),
    deleteWhen: '04',
    fileReservedTime: '48',
    brokerRole: role,
    flushDiskType: 'ASYNC_FLUSH',
  };
}

const lines = (settings: Record<string, string>, between: string): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}${between}${value}\n`)
    .join('');

describe("the files of Apache's distribution", () => {
  it.each([
    ['the single broker', settingsOf('broker-a', 0, 'ASYNC_MASTER'), ' = '],
    ['2m-noslave, broker-a', settingsOf('broker-a', 0, 'ASYNC_MASTER'), '='],
    ['2m-noslave, broker-b', settingsOf('broker-b', 0, 'ASYNC_MASTER'), '='],
    ['2m-noslave, broker-trace', settingsOf('broker-trace', 0, 'ASYNC_MASTER'), '='],
    ['2m-2s-async, master', settingsOf('broker-a', 0, 'ASYNC_MASTER'), '='],
    ['2m-2s-sync, master', settingsOf('broker-b', 0, 'SYNC_MASTER'), '='],
  ])('%s: starts without a warning, shows every value, and works', async (_, settings, between) => {
    await using broker = await OperatedBroker.start(lines(settings, between));
    expect(await broker.settings()).toMatchObject(settings);
    expect(broker.lines.filter((line) => /^(warn|error)/.test(line))).toEqual([]);
    const sent = await broker.raw.send('orders', 'a');
    const isSync = settings['brokerRole'] === 'SYNC_MASTER';
    expect(sent.name).toBe(isSync ? 'SLAVE_NOT_AVAILABLE' : 'SUCCESS');
    expect(await broker.raw.receive('orders', 1)).toHaveLength(1);
  });

  it.each(['2m-2s-async', '2m-2s-sync'])('%s, slave: is read, and refused', async () => {
    const started = OperatedBroker.start(lines(settingsOf('broker-a', 1, 'SLAVE'), '='));
    await expect(started).rejects.toThrow(BrokerRoleError);
    await expect(started).rejects.toThrow(
      /'brokerRole' is SLAVE, but replication is not built yet/,
    );
  });
});

/** The file of the founding documents, retyped: old and wrong spellings, a name twice, comments. */
const founding = `
# the cluster
brokerClusterName=rocketmq-cluster
brokerName=broker-a
# 0 is the master, greater ones are slaves
brokerId=0

defaultTopicQueueNums=4
autoCreateTopicEnable=false
autoCreateSubscriptionGroup=true
autoCreateTopicEnable=true
deleteWhen=04
fileReservedTime=120
mapedFileSizeCommitLog=1073741824
mapedFileSizeConsumeQueue=300000
#destroyMapedFileIntervalForcibly=120000
#redeleteHangedFileInterval=120000
diskMaxUsedSpaceRatio=88
storePathRootDir=FOLDER/store
storePathCommitLog=FOLDER/store/commitlog
storePathConsumeQueue=FOLDER/store/consumequeue
stroeCheckpoint=FOLDER/store/index
storeCheckPoint=FOLDER/store/checkpoint
abortFile=FOLDER/store/abort
maxMessageSize=65536
#flushCommitLogLeastPages=4
brokerRole=ASYNC_MASTER
flushDiskType=ASYNC_FLUSH
#checkTransactionMessageEnable=false
#sendMessageThreadPoolNums=128
`;

describe('the file of the founding documents', () => {
  it('starts, the last of two lines with one name counts, and each wrong name is told', async () => {
    await using broker = await OperatedBroker.start(founding);
    expect(await broker.settings()).toMatchObject({
      brokerClusterName: 'rocketmq-cluster',
      brokerName: 'broker-a',
      brokerId: '0',
      defaultTopicQueueNums: '4',
      autoCreateTopicEnable: 'true',
      autoCreateSubscriptionGroup: 'true',
      deleteWhen: '04',
      fileReservedTime: '120',
      mappedFileSizeCommitLog: '1073741824',
      mappedFileSizeConsumeQueue: '300000',
      diskMaxUsedSpaceRatio: '88',
      maxMessageSize: '65536',
      brokerRole: 'ASYNC_MASTER',
      flushDiskType: 'ASYNC_FLUSH',
    });
    const told = broker.lines.filter((line) => line.startsWith('warn'));
    expect(told.map((line) => /'(\w+)'/.exec(line)?.[1])).toEqual([
      'mapedFileSizeCommitLog',
      'mapedFileSizeConsumeQueue',
      'storePathConsumeQueue',
      'stroeCheckpoint',
      'storeCheckPoint',
      'abortFile',
      'mappedFileSizeConsumeQueue',
    ]);
    await broker.raw.send('orders', 'a');
    expect(await broker.raw.receive('orders', 1)).toHaveLength(1);
  });

  it('is read, and refused, as the file of the slave', async () => {
    const slave = founding.replace('brokerId=0', 'brokerId=1').replace('ASYNC_MASTER', 'SLAVE');
    await expect(OperatedBroker.start(slave)).rejects.toThrow(BrokerRoleError);
  });
});
