import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  LitePullConsumer,
  Producer,
  PushConsumer,
  type ClientOptions,
} from '@nestjs-rocketmq/client';
import { CertificateAuthority } from '@nestjs-rocketmq/remoting/testing';
import { eventually } from '../support/eventually.js';
import {
  prepareJava,
  shortStart,
  startJavaBroker,
  startJavaNameserver,
  temporaryFolder,
  type JavaBroker,
  type JavaNameserver,
} from '../support/java.js';

/** Our client over TLS before official servers, with certificates made for this run. */
const deadline = 60_000;
const authority = new CertificateAuthority();
const server = authority.issue('broker', { names: ['127.0.0.1', 'broker.shop'] });
const ours = authority.issue('client');

/** The settings of TLS of a Java process. */
function tlsOf(home: string, mode: string, wantsClient: boolean): readonly string[] {
  mkdirSync(home, { recursive: true });
  const write = (name: string, text: string): string => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  const settings = {
    'tls.test.mode.enable': false,
    'tls.server.mode': mode,
    'tls.server.keyPath': write('server.key', server.key),
    'tls.server.certPath': write('server.pem', server.cert),
    'tls.server.trustCertPath': write('ca.pem', authority.cert),
    'tls.server.authClient': wantsClient,
    'tls.server.need.client.auth': wantsClient ? 'require' : 'none',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const file = write('tls.properties', lines.join('\n'));
  // The mode is read before the file.
  return [...shortStart, `-Dtls.config.file=${file}`, `-Dtls.server.mode=${mode}`];
}

beforeAll(() => prepareJava());

describe.each(['4.9.7', '5.3.3', '5.5.0'] as const)('TLS of the servers %s', (version) => {
  const folder = temporaryFolder('tls');
  let nameserver: JavaNameserver;
  let broker: JavaBroker;

  beforeAll(async () => {
    // The broker speaks to the name server without TLS, so that one takes both.
    const open = tlsOf(join(folder, 'ns'), 'permissive', false);
    nameserver = await startJavaNameserver(version, { home: join(folder, 'ns'), jvm: open });
    const strict = tlsOf(join(folder, 'broker'), 'enforcing', true);
    const home = join(folder, 'broker');
    const nameServers = nameserver.address;
    broker = await startJavaBroker(version, { home, jvm: strict, nameServers });
  });

  afterAll(async () => {
    await broker?.kill();
    await nameserver?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const common = (tls?: ClientOptions['tls']): ClientOptions => ({
    nameServers: nameserver.address,
    requestTimeout: 10_000,
    ...(tls === undefined ? {} : { tls }),
  });

  const sending = async (tls: ClientOptions['tls']) => {
    await using producer = new Producer({ ...common(tls), group: 'p' });
    await producer.start();
    const message = { topic: 'Secured', body: Buffer.alloc(100_000, 'x') };
    return (await producer.send(message, { timeout: 30_000 })).status;
  };

  it.each([
    ['the address', {}],
    ['a name', { serverName: 'broker.shop' }],
  ])(
    'sends and consumes with certificates on both sides, the server known by %s',
    async (_, more) => {
      const tls = { ca: authority.cert, ...ours, ...more };
      expect(await sending(tls)).toBe('SEND_OK');
      let size = 0;
      await using pushed = new PushConsumer({
        ...common(tls),
        group: `c${Object.keys(more).length}`,
        from: 'first',
        subscriptions: [{ topic: 'Secured' }],
        listener: ([message]) => {
          size = message?.body.length ?? 0;
          return { kind: 'success' };
        },
      });
      await pushed.start();
      await eventually('the message', deadline, () => size === 100_000 || undefined);
      await using lite = new LitePullConsumer({ ...common(tls), group: 'lite', from: 'first' });
      await lite.start();
      await lite.subscribe('Secured');
      const batch = await eventually('a batch', deadline, async () => {
        const polled = await lite.poll();
        return polled !== undefined && polled.length > 0 ? polled : undefined;
      });
      expect(batch.length).toBeGreaterThan(0);
    },
  );

  it('says that the client certificate is missing, or from nobody known', async () => {
    const words = "'cert' and 'key' of the option 'tls'";
    await expect(sending({ ca: authority.cert })).rejects.toThrow(words);
    const foreign = new CertificateAuthority('Stranger').issue('client');
    await expect(sending({ ca: authority.cert, ...foreign })).rejects.toThrow(words);
  });

  it('says that the server is not trusted, or bears other names', async () => {
    await expect(sending({ ...ours })).rejects.toThrow("give the certificate of its CA as 'ca'");
    const wrong = { ca: authority.cert, ...ours, serverName: 'other.shop' };
    await expect(sending(wrong)).rejects.toThrow('is for other names');
  });

  it('says that a server wants TLS when the client comes without', async () => {
    await expect(sending(undefined)).rejects.toThrow("the option 'tls'");
  });
});

describe('a server that was told not to speak TLS', () => {
  it('is named as such', async () => {
    const home = temporaryFolder('plain');
    const jvm = [...shortStart, '-Dtls.server.mode=disabled'];
    const nameserver = await startJavaNameserver('5.3.3', { home, jvm });
    const tls = { ca: authority.cert };
    await using producer = new Producer({ nameServers: nameserver.address, tls, group: 'p' });
    await producer.start();
    const attempt = producer.send({ topic: 'Any', body: Buffer.from('x') });
    await expect(attempt).rejects.toThrow('speak TLS on this port');
    await nameserver.stop();
  });
});
