import { parseProperties } from '@nestjs-rocketmq/foundation';
import { decodeRecords } from '@nestjs-rocketmq/message';
import { startNameserver } from '@nestjs-rocketmq/nameserver';
import { GetRouteinfoByTopic, ResponseCode } from '@nestjs-rocketmq/protocol';
import { eventually } from '../support/eventually.js';
import { OperatedBroker, refusalOf } from '../support/operated-broker.js';

const conf = '# kept\nmaxMessageSize=1000\nmyOwnNote=x\n';

describe('UPDATE_BROKER_CONFIG', () => {
  it('changes a limit at once, shows it, and rewrites the file with what else stands there', async () => {
    await using broker = await OperatedBroker.start(conf);
    const { raw } = broker;
    expect((await refusalOf(raw.send('t', 'x'.repeat(2000)))).responseCode).toBe(
      ResponseCode.MESSAGE_ILLEGAL,
    );
    expect(await broker.change('maxMessageSize=3000')).toBeUndefined();
    await raw.send('t', 'x'.repeat(2000));
    expect((await broker.settings())['maxMessageSize']).toBe('3000');
    expect(broker.written).toBe('# kept\nmaxMessageSize=3000\nmyOwnNote=x\n');
  });

  it('lets messages in that are longer than what a connection took when it was made', async () => {
    await using broker = await OperatedBroker.start(`mappedFileSizeCommitLog=${64 * 1024 * 1024}`);
    await broker.raw.send('t', 'short');
    await broker.change(`maxMessageSize=${20 * 1024 * 1024}`);
    await broker.raw.send('t', new Uint8Array(18 * 1024 * 1024));
  });

  it('changes permissions and the creation of topics at once', async () => {
    await using broker = await OperatedBroker.start(conf);
    const { raw } = broker;
    await raw.send('known', 'a');
    await broker.change('autoCreateTopicEnable=false');
    expect((await refusalOf(raw.send('other', 'a'))).responseCode).toBe(
      ResponseCode.TOPIC_NOT_EXIST,
    );
    await broker.change('brokerPermission=2');
    expect((await refusalOf(raw.pull('known'))).responseCode).toBe(ResponseCode.NO_PERMISSION);
    await broker.change('rejectTransactionMessage=true');
    const half = raw.send('known', 'a', { properties: { TRAN_MSG: 'true' }, more: { sysFlag: 4 } });
    expect((await refusalOf(half)).responseCode).toBe(ResponseCode.NO_PERMISSION);
    await broker.change('startAcceptSendRequestTimeStamp=9000000000000');
    expect((await refusalOf(raw.send('known', 'a'))).message).toContain('until 2255');
  });

  it('writes region and trace switch into the messages that follow', async () => {
    await using broker = await OperatedBroker.start(conf);
    await broker.change('regionId=north\ntraceOn=false');
    const sent = await broker.raw.send('t', 'a');
    expect(sent.header).toMatchObject({ regionId: 'north', traceOn: 'false' });
    const [message] = await broker.raw.receive('t', 1);
    expect(message?.properties['MSG_REGION']).toBe('north');
    expect(message?.properties['TRACE_ON']).toBe('false');
  });

  it('changes the transfer limits of pulls at once', async () => {
    await using broker = await OperatedBroker.start(conf);
    for (let i = 0; i < 5; i += 1) await broker.raw.send('t', `${i}`);
    const count = async () => decodeRecords((await broker.raw.pull('t')).body).length;
    expect(await count()).toBe(5);
    await broker.change('maxTransferCountOnMessageInMemory=2');
    expect(await count()).toBe(2);
    await broker.change('maxTransferCountOnMessageInMemory=1000\nmaxFilterMessageSize=32000');
    expect(await count()).toBe(5);
  });

  it('tells name servers of a permission, and goes over to other name servers', async () => {
    await using one = await startNameserver({ listenPort: 0, bindAddress: '127.0.0.1' });
    await using other = await startNameserver({ listenPort: 0, bindAddress: '127.0.0.1' });
    await using broker = await OperatedBroker.start(`namesrvAddr=${one.address}`);
    const { client } = broker.raw;
    await broker.raw.send('t', 'a');
    const permAt = async (address: string): Promise<number | undefined> => {
      const asked = client.invoke(
        address,
        GetRouteinfoByTopic,
        { topic: 't' },
        { timeoutMs: 30_000 },
      );
      return (await asked.catch(() => undefined))?.body?.queueDatas[0]?.perm;
    };
    const becomes = (address: string, perm: number | undefined) =>
      eventually(`perm ${perm} at ${address}`, 60_000, async () =>
        (await permAt(address)) === perm ? true : undefined,
      );
    await becomes(one.address, 6);
    await broker.change('brokerPermission=4');
    await becomes(one.address, 4);
    await broker.change(`namesrvAddr=${other.address}`);
    await becomes(other.address, 4);
    await becomes(one.address, undefined);
  });

  it('says what waits for a restart, and what does nothing here', async () => {
    await using broker = await OperatedBroker.start(conf);
    expect(await broker.change('listenPort=10999\npopPollingSize=5\ntransactionCheckMax=4')).toBe(
      'after a restart: listenPort; without meaning here: popPollingSize',
    );
    const settings = await broker.settings();
    expect(settings['transactionCheckMax']).toBe('4');
    expect(settings['listenPort']).toBe('0');
    expect(parseProperties(broker.written)).toMatchObject({
      listenPort: '10999',
      popPollingSize: '5',
    });
  });

  it('refuses wrong values by key, value and range, and changes nothing then', async () => {
    await using broker = await OperatedBroker.start(conf);
    const { responseCode, message } = await refusalOf(
      broker.change('transactionCheckMax=3\nlistenPort=x'),
    );
    expect(responseCode).toBe(ResponseCode.SYSTEM_ERROR);
    expect(message).toContain(`'listenPort' must be a whole number, but is "x"`);
    expect((await broker.settings())['transactionCheckMax']).toBe('15');
    const unknown = await refusalOf(broker.change('transactionChekMax=3'));
    expect(unknown.message).toContain("did you mean 'transactionCheckMax'?");
    const slave = await refusalOf(broker.change('brokerRole=SLAVE'));
    expect(slave.message).toContain('replication is not built yet');
  });

  it('leaves alone what stands in configBlackList', async () => {
    await using broker = await OperatedBroker.start('configBlackList=maxMessageSize;listenPort');
    for (const name of ['maxMessageSize', 'configBlackList', 'brokerConfigPath']) {
      const { responseCode, message } = await refusalOf(broker.change(`${name}=1`));
      expect(responseCode).toBe(ResponseCode.NO_PERMISSION);
      expect(message).toContain(`Can not update config in black list: '${name}'`);
    }
  });
});
