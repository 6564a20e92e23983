import { ResponseCode, ResponseError } from '@nestjs-rocketmq/protocol';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { Producer, PushConsumer, type ClientOptions } from './index.js';
import { ScriptedCluster } from './testing/scripted-cluster.js';

const remark =
  'org.apache.rocketmq.acl.common.AclException: Check signature failed for accessKey=shop, x';

async function cluster() {
  const network = new LoopbackNetwork();
  const clock = new ManualClock();
  const servers = await ScriptedCluster.start(network, clock, ['broker-a', 'broker-b']);
  servers.addTopic('orders', 2);
  const options: ClientOptions = {
    nameServers: servers.nameServer,
    network,
    clock,
    credentials: { accessKey: 'shop', secretKey: 'wrong' },
  };
  return { servers, options };
}

describe('a client whom brokers do not let in', () => {
  it('fails a send at the first refusal, and says what to check', async () => {
    const { servers, options } = await cluster();
    servers.onSend = () => {
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    };
    const producer = new Producer({ ...options, group: 'g', retryTimesWhenSendFailed: 5 });
    await producer.start();
    const attempt = producer.send({ topic: 'orders', body: Buffer.from('x') });
    await expect(attempt).rejects.toMatchObject({
      code: 'CLIENT_ACCESS_DENIED',
      retriable: false,
      responseCode: ResponseCode.SYSTEM_ERROR,
      message: expect.stringContaining("check 'secretKey' of the option 'credentials'"),
    });
    expect(servers.sends).toHaveLength(1);
    await producer.close();
    await servers.close();
  });

  it('does not start a consumer that no broker knows, and leaves nothing open', async () => {
    const { servers, options } = await cluster();
    servers.onHeartbeat = () => {
      throw new ResponseError(ResponseCode.NO_PERMISSION, 'check signature failed.');
    };
    const consumer = new PushConsumer({
      ...options,
      group: 'g',
      subscriptions: [{ topic: 'orders' }],
      listener: () => ({ kind: 'success' }),
    });
    await expect(consumer.start()).rejects.toMatchObject({ code: 'CLIENT_ACCESS_DENIED' });
    await expect(consumer.start()).rejects.toMatchObject({ code: 'CLIENT_NOT_RUNNING' });
    await servers.close();
  });

  it('starts a consumer that at least one broker knows', async () => {
    const { servers, options } = await cluster();
    servers.onHeartbeat = (broker) => {
      if (broker === 'broker-b') throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    };
    const consumer = new PushConsumer({
      ...options,
      group: 'g',
      subscriptions: [{ topic: 'orders' }],
      listener: () => ({ kind: 'success' }),
    });
    await consumer.start();
    await consumer.close();
    await servers.close();
  });

  it('refuses credentials that cannot be any, without showing them', () => {
    const wrong = { accessKey: 'shop', secretKey: '' };
    const make = (credentials: unknown) =>
      new Producer({ nameServers: 'a:1', group: 'g', credentials: credentials as never });
    expect(() => make(wrong)).toThrow("'secretKey' of the credentials is empty");
    expect(() => make('shop:S3CRET')).toThrow('must be { accessKey, secretKey }');
    expect(() => make('shop:S3CRET')).not.toThrow('S3CRET');
  });
});
