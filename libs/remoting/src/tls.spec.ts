import net from 'node:net';
import tls from 'node:tls';
import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import { decodeFrame, encodeAnswer, FrameDecoder, GetMaxOffset } from '@nestjs-rocketmq/protocol';
import { RemotingClient, type TlsSetting } from './index.js';
import { CertificateAuthority, LoopbackNetwork, type Certified } from './testing/index.js';

const authority = new CertificateAuthority();
const stranger = new CertificateAuthority('Stranger');
const names = ['localhost', '127.0.0.1', 'broker.shop'];
const good = authority.issue('broker', { names });
const client = authority.issue('client');

/** Answers every request for the largest offset with `7`, or says nothing. */
function serve(socket: net.Socket, isSilent = false): void {
  const decoder = new FrameDecoder();
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    if (isSilent) return;
    decoder.push(chunk, (bytes) => {
      const { opaque } = decodeFrame(bytes);
      socket.write(encodeAnswer(GetMaxOffset, { opaque, header: { offset: 7 } }));
    });
  });
}

interface Server {
  readonly port: number;
  readonly sockets: Set<net.Socket>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function listening(server: net.Server): Promise<Server> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as net.AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

const secured = (of: Certified, more: tls.TlsOptions = {}) =>
  listening(tls.createServer({ ...of, ...more }, (socket) => serve(socket)));

async function ask(port: number, setting: TlsSetting | undefined, host = '127.0.0.1') {
  const connectTimeoutMs = 20_000;
  const base = { clock: systemClock, logger: silentLogger, connectTimeoutMs, tls: setting };
  const remoting = new RemotingClient(base);
  try {
    const asked = { topic: 't', queueId: 0 };
    const options = { timeoutMs: 20_000 };
    const answer = await remoting.invoke(`${host}:${port}`, GetMaxOffset, asked, options);
    return answer.header.offset;
  } finally {
    await remoting.close();
  }
}

const failed = (words: string, reason?: string) => ({
  code: 'REMOTING_TLS_FAILED',
  message: expect.stringContaining(words),
  ...(reason === undefined ? {} : { details: expect.objectContaining({ reason }) }),
});

describe('a client with TLS', () => {
  it('asks a server for whom a known authority vouches, by address and by name', async () => {
    await using server = await secured(good);
    expect(await ask(server.port, { ca: authority.cert })).toBe(7);
    expect(await ask(server.port, { ca: [Buffer.from(authority.cert)] }, 'localhost')).toBe(7);
  });

  it('shows its certificate to a server that wants one', async () => {
    const wants = { requestCert: true, rejectUnauthorized: true, ca: authority.cert };
    await using server = await secured(good, wants);
    expect(await ask(server.port, { ca: authority.cert, ...client })).toBe(7);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'says that its certificate is not accepted, or missing, with %s',
    async (version) => {
      const wants = { requestCert: true, rejectUnauthorized: true, ca: authority.cert };
      await using server = await secured(good, { ...wants, maxVersion: version });
      // Whether the server says why before it hangs up differs from case to case.
      const words = "'cert' and 'key' of the option 'tls'";
      for (const own of [{}, stranger.issue('client')]) {
        const attempt = ask(server.port, { ca: authority.cert, ...own });
        await expect(attempt).rejects.toThrow(words);
      }
    },
  );

  it('asks for the name it is told', async () => {
    await using server = await secured(good);
    expect(await ask(server.port, { ca: authority.cert, serverName: 'broker.shop' })).toBe(7);
    const attempt = ask(server.port, { ca: authority.cert, serverName: 'other.shop' });
    const words = 'is for other names (DNS:localhost, IP Address:127.0.0.1, DNS:broker.shop)';
    await expect(attempt).rejects.toMatchObject(failed(words, 'ERR_TLS_CERT_ALTNAME_INVALID'));
  });

  it('refuses a server for whom nobody vouches, unless it is told to believe everybody', async () => {
    await using server = await secured(good);
    const words = "give the certificate of its CA as 'ca'";
    await expect(ask(server.port, true)).rejects.toMatchObject(failed(words));
    await expect(ask(server.port, { ca: stranger.cert })).rejects.toMatchObject(failed(words));
    expect(await ask(server.port, { verify: false })).toBe(7);
  });

  it('refuses certificates that have expired or are not valid yet', async () => {
    await using old = await secured(authority.issue('old', { names, days: [-9, -2] }));
    const options = { ca: authority.cert };
    const expired = failed('has expired', 'CERT_HAS_EXPIRED');
    await expect(ask(old.port, options)).rejects.toMatchObject(expired);
    await using early = await secured(authority.issue('early', { names, days: [2, 9] }));
    await expect(ask(early.port, options)).rejects.toMatchObject(failed('is not valid yet'));
  });

  it('asks a function for the certificates at each connection', async () => {
    await using server = await secured(good);
    let calls = 0;
    const current = () => {
      calls += 1;
      return { ca: authority.cert };
    };
    expect(await ask(server.port, current)).toBe(7);
    // Once to see that it can be used, once to connect.
    expect(calls).toBe(2);
  });

  it('says so when the server does not speak TLS: it hangs up, or answers something else', async () => {
    const options = { ca: authority.cert };
    const words = 'speak TLS on this port';
    await using rude = await listening(
      net.createServer((socket) => void socket.once('data', () => socket.destroy())),
    );
    await expect(ask(rude.port, options)).rejects.toMatchObject(failed(words));
    await using chatty = await listening(
      net.createServer((socket) => void socket.once('data', () => socket.end('HTTP/1.1 400\r\n'))),
    );
    await expect(ask(chatty.port, options)).rejects.toMatchObject(failed(words));
  });

  it('does not wait for ever for a server that says nothing', async () => {
    await using server = await listening(net.createServer((socket) => serve(socket, true)));
    const base = { clock: systemClock, logger: silentLogger, tls: true };
    const remoting = new RemotingClient({ ...base, connectTimeoutMs: 50 });
    await expect(remoting.peer(`127.0.0.1:${server.port}`)).rejects.toMatchObject({
      code: 'REMOTING_CONNECT_FAILED',
      message: expect.stringContaining('does it speak TLS there?'),
    });
    await remoting.close();
  });

  it('refuses certificates and keys that are none when it is made', () => {
    const make = (setting: TlsSetting) =>
      new RemotingClient({ clock: systemClock, logger: silentLogger, tls: setting });
    expect(() => make({ ca: authority.cert, cert: '/etc/client.pem', key: client.key })).toThrow(
      'PEM texts',
    );
    expect(() => make({ cert: client.cert, key: good.key })).toThrow("'key' belongs to 'cert'");
  });

  it('does not silently go without it over a network that has none', async () => {
    const network = new LoopbackNetwork();
    const base = { clock: systemClock, logger: silentLogger, network, tls: true };
    const remoting = new RemotingClient(base);
    await expect(remoting.peer('127.0.0.1:1')).rejects.toThrow('knows no TLS');
    await remoting.close();
  });
});

describe('a client without TLS', () => {
  it('is told that the server speaks TLS', async () => {
    const alert = Buffer.from('15030300020246', 'hex');
    await using server = await listening(
      net.createServer((socket) => void socket.once('data', () => socket.end(alert))),
    );
    await expect(ask(server.port, undefined)).rejects.toMatchObject({
      code: 'REMOTING_CONNECTION_LOST',
      message: expect.stringContaining("needs the option 'tls'"),
    });
  });

  it('is told what it may be when a server hangs up without a word', async () => {
    await using server = await secured(good);
    await expect(ask(server.port, undefined)).rejects.toMatchObject({
      code: 'REMOTING_CONNECTION_LOST',
      message: expect.stringContaining('as servers do that want TLS'),
    });
  });
});
