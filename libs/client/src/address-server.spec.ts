import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { AddressServer, addressServerInterval } from './address-server.js';
import { Producer } from './index.js';
import { NameServers } from './name-servers.js';
import { ScriptedCluster } from './testing/scripted-cluster.js';

/** A web server that answers as told. */
async function web(answer: () => { status?: number; text: string }) {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    const { status = 200, text } = answer();
    response.writeHead(status).end(text);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/rocketmq/nsaddr`,
    asked,
    [Symbol.asyncDispose]: () => new Promise<void>((done) => void server.close(() => done())),
  };
}

const url = 'http://addresses:8080/rocketmq/nsaddr';

function scripted(answers: (() => string)[], first: string[] = []) {
  const clock = new ManualClock();
  const nameServers = new NameServers(first, 0);
  const gone: string[] = [];
  const urls: string[] = [];
  const get = (asked: string) => {
    urls.push(asked);
    return Promise.resolve().then(() => (answers.shift() as () => string)());
  };
  const base = { url, unitName: undefined, clock, logger: silentLogger, get };
  const server = new AddressServer(base, nameServers, (addresses) => gone.push(...addresses));
  return { clock, nameServers, gone, urls, server };
}

const fails = (): string => {
  throw new Error('refused');
};

describe('a list of name servers by HTTP', () => {
  it('is had when it is first needed, its first line counts', async () => {
    const { server, nameServers } = scripted([() => '\na:1;b:2\r\nmore\n']);
    await Promise.all([server.ready(), server.ready()]);
    expect(nameServers.addresses).toEqual(['a:1', 'b:2']);
    await server.ready();
  });

  it('is asked for every two minutes; what is gone is told', async () => {
    const { clock, server, nameServers, gone } = scripted([
      () => 'a:1;b:2',
      () => 'b:2;c:3',
      () => 'd:4',
    ]);
    server.start();
    await server.ready();
    await clock.advance(addressServerInterval);
    expect([nameServers.addresses, gone]).toEqual([['b:2', 'c:3'], ['a:1']]);
    await clock.advance(addressServerInterval);
    expect([nameServers.addresses, gone]).toEqual([['d:4'], ['a:1', 'b:2', 'c:3']]);
    server.close();
  });

  it('stays as it was while it cannot be had, is empty, or is none', async () => {
    const answers = [() => 'a:1', fails, () => ' ', () => '<html>', () => 'b:2'];
    const { clock, server, nameServers } = scripted(answers);
    server.start();
    await server.ready();
    for (let i = 0; i < 3; i += 1) {
      await clock.advance(addressServerInterval);
      expect(nameServers.addresses).toEqual(['a:1']);
    }
    await clock.advance(addressServerInterval);
    expect(nameServers.addresses).toEqual(['b:2']);
    server.close();
  });

  it('says what is wrong as long as there is none', async () => {
    const { server } = scripted([fails, () => 'a:1']);
    await expect(server.ready()).rejects.toMatchObject({
      code: 'CLIENT_NAME_SERVER_UNREACHABLE',
      message: expect.stringMatching(/gave no list \(refused\); check the option 'nameServerAddr/),
    });
    await server.ready();
  });

  it('is asked for the unit, as by the client of Java', async () => {
    await using server = await web(() => ({ text: 'a:1' }));
    const nameServers = new NameServers([]);
    const base = { clock: systemClock, logger: silentLogger };
    const asked = { ...base, url: server.url, unitName: 'hangzhou' };
    await new AddressServer(asked, nameServers, () => undefined).ready();
    expect(server.asked).toEqual(['/rocketmq/nsaddr-hangzhou?nofix=1']);
    expect(nameServers.addresses).toEqual(['a:1']);
  });

  it('is not taken from an answer that is no success, and not waited for in vain', async () => {
    await using server = await web(() => ({ status: 404, text: 'a:1' }));
    const base = { clock: systemClock, logger: silentLogger, unitName: undefined };
    const broken = new AddressServer({ ...base, url: server.url }, new NameServers([]), () => {});
    await expect(broken.ready()).rejects.toThrow('it answered with status 404');
    const clock = new ManualClock();
    const silent = new AddressServer(
      {
        ...base,
        clock,
        url,
        get: (_, signal) =>
          new Promise((__, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          }),
      },
      new NameServers([]),
      () => undefined,
    );
    const waiting = expect(silent.ready()).rejects.toThrow('it did not answer within 3000 ms');
    await clock.advance(3_000);
    await waiting;
  });

  it.each(['', 'nowhere', 'ftp://host/x'])('needs a URL, not %j', (wrong) => {
    const make = () => new Producer({ nameServerAddressUrl: wrong, group: 'g' });
    expect(make).toThrow("'nameServerAddressUrl' must be a URL such as 'http://host:8080");
  });

  it('serves a producer that knows nothing else', async () => {
    const network = new LoopbackNetwork();
    const cluster = await ScriptedCluster.start(network, systemClock);
    cluster.addTopic('orders', 1);
    await using server = await web(() => ({ text: `${cluster.nameServer}\n` }));
    const producer = new Producer({ nameServerAddressUrl: server.url, network, group: 'g' });
    await producer.start();
    const result = await producer.send({ topic: 'orders', body: Buffer.from('x') });
    expect(result.status).toBe('SEND_OK');
    await producer.close();
    await cluster.close();
  });
});
