import http from 'node:http';
import net from 'node:net';
import { Producer, PushConsumer, type ProducerOptions } from '@nestjs-rocketmq/client';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { silentLogger } from '@nestjs-rocketmq/foundation';
import { patience } from '../support/client-cluster.js';

/** What users get wrong about addresses, TLS and names: a clear error, no hang, no crash. */
describe('a connection that cannot be', () => {
  let cluster: EmbeddedRocketMQ;

  beforeAll(async () => {
    cluster = await EmbeddedRocketMQ.start({ logger: silentLogger });
  });

  afterAll(() => cluster.close());

  const sending = async (options: Partial<ProducerOptions>) => {
    await using producer = new Producer({
      nameServers: cluster.nameServers,
      group: 'p',
      ...patience,
      connectTimeout: '30s',
      ...options,
    });
    await producer.start();
    return await producer.send({ topic: 'orders', body: Buffer.from('x') });
  };

  const unreachable = (words: string | RegExp) => ({
    code: 'CLIENT_NAME_SERVER_UNREACHABLE',
    message: expect.stringMatching(words),
  });

  async function port(of: net.Server): Promise<number> {
    await new Promise<void>((done) => of.listen(0, '127.0.0.1', done));
    return (of.address() as net.AddressInfo).port;
  }

  it('to a port where nobody listens: says where, and what to check', async () => {
    const server = net.createServer();
    const nameServers = `127.0.0.1:${await port(server)}`;
    await new Promise((done) => server.close(done));
    const attempt = sending({ nameServers });
    const words = `Cannot connect to ${nameServers}.*Is it running and reachable.*'nameServers'`;
    await expect(attempt).rejects.toMatchObject(unreachable(new RegExp(words)));
  });

  it('to a broker in place of a name server: says that it is none', async () => {
    const attempt = sending({ nameServers: cluster.brokerAddress });
    await expect(attempt).rejects.toMatchObject(unreachable('that is no name server'));
  });

  it('to a web server in place of a name server: says that these are no frames', async () => {
    const server = http.createServer((_, response) => response.end('hello'));
    const attempt = sending({ nameServers: `127.0.0.1:${await port(server)}` });
    await expect(attempt).rejects.toMatchObject(unreachable('The length of a frame must be'));
    await new Promise((done) => server.close(done));
  });

  it('with TLS to servers without: says so', async () => {
    const attempt = sending({ tls: true });
    await expect(attempt).rejects.toMatchObject(unreachable('does not speak TLS on this port'));
  });

  it('with one name server of several that is wrong: goes on with the next', async () => {
    const server = net.createServer((socket) => socket.destroy());
    const nameServers = `127.0.0.1:${await port(server)};${cluster.nameServers}`;
    for (let i = 0; i < 3; i += 1) {
      expect((await sending({ nameServers })).status).toBe('SEND_OK');
    }
    await new Promise((done) => server.close(done));
  });

  it.each([
    ['nameServers', { nameServers: 'localhost' }, 'host:port'],
    ['nameServers', { nameServers: '' }, "set the option 'nameServers'"],
    ['group', { group: 'bad group' }, 'bad group'],
    ['nameServerAddressUrl', { nameServerAddressUrl: 'localhost:8080' }, 'must be a URL'],
    ['an option', { nameServer: 'a:1' }, "did you mean 'nameServers'"],
  ])('with wrong %s: is refused before anything is opened', async (_, options, words) => {
    await expect(sending(options as never)).rejects.toThrow(words);
  });

  it('with an illegal topic: is refused before anything is sent', () => {
    const make = () =>
      new PushConsumer({
        nameServers: cluster.nameServers,
        group: 'g',
        subscriptions: [{ topic: 'no topic' }],
        listener: () => ({ kind: 'success' }),
      });
    expect(make).toThrow('no topic');
  });
});
