import dns from 'node:dns';
import { nodeNetwork } from './index.js';

const host = '127.0.0.1';

function next(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200_000 && !condition(); i += 1) await next();
  expect(condition()).toBe(true);
}

/** A listener that sends back what it gets, and what happened to its wires. */
async function echo() {
  const closed: (Error | undefined)[] = [];
  const seen = { bytes: 0 };
  const listener = await nodeNetwork.listen({ host, port: 0 }, (wire) => {
    wire.onData((chunk) => {
      seen.bytes += chunk.length;
      wire.write(Buffer.from(chunk));
    });
    wire.onClose((error) => closed.push(error));
  });
  const connect = () =>
    nodeNetwork.connect({ host, port: listener.address.port, timeoutMs: 30_000 });
  return { listener, seen, closed, connect };
}

describe('the network of Node', () => {
  it('keeps the bytes of many wires apart, though they are read into one buffer', async () => {
    const server = await echo();
    const wires = await Promise.all(Array.from({ length: 20 }, () => server.connect()));
    const got = wires.map(() => '');
    wires.forEach((wire, i) => wire.onData((chunk) => (got[i] += Buffer.from(chunk).toString())));
    const rounds = Array.from({ length: 50 }, (_, round) => round);
    for (const round of rounds) {
      wires.forEach((wire, i) => wire.write(Buffer.from(`[${i}:${round}]`)));
      await next();
    }
    const expected = wires.map((_, i) => rounds.map((round) => `[${i}:${round}]`).join(''));
    await until(() => got.every((text, i) => text.length >= (expected[i] as string).length));
    expect(got).toEqual(expected);
    for (const wire of wires) wire.destroy();
    await until(() => server.closed.length === 20);
    await server.listener.close();
  });

  it('delivers nothing while a wire is paused, and everything afterwards', async () => {
    const server = await echo();
    const wire = await server.connect();
    let size = 0;
    wire.onData((chunk) => (size += chunk.length));
    wire.pause();
    wire.write(Buffer.alloc(3_000_000));
    await until(() => server.seen.bytes === 3_000_000);
    expect(size).toBe(0);
    wire.resume();
    await until(() => size === 3_000_000);
    wire.end();
    await until(() => server.closed.length === 1);
    await server.listener.close();
  });

  it('says who has the port', async () => {
    const { listener } = await echo();
    await expect(
      nodeNetwork.listen({ host, port: listener.address.port }, () => {}),
    ).rejects.toMatchObject({
      code: 'REMOTING_LISTEN_FAILED',
      message: expect.stringContaining('another process'),
    });
    await listener.close();
  });

  it('gives an attempt up when its signal is aborted', async () => {
    const signal = AbortSignal.abort(new Error('no more'));
    const attempt = nodeNetwork.connect({ host, port: 9, timeoutMs: 1_000, signal });
    await expect(attempt).rejects.toMatchObject({ code: 'REMOTING_REQUEST_ABORTED' });
  });

  it('asks for the address of a name at each connection, and says when there is none', async () => {
    const { listener } = await echo();
    const { lookup } = dns;
    const addresses: (string | undefined)[] = [host, undefined, host];
    // The resolver of the system, for the names of this spec.
    dns.lookup = ((_name: string, options: { all?: boolean }, done: Function) => {
      const address = addresses.shift();
      const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
      if (address === undefined) process.nextTick(done, unknown);
      else if (options.all === true) process.nextTick(done, null, [{ address, family: 4 }]);
      else process.nextTick(done, null, address, 4);
    }) as unknown as typeof dns.lookup;
    const { port } = listener.address;
    const connect = () => nodeNetwork.connect({ host: 'moving', port, timeoutMs: 30_000 });
    try {
      (await connect()).destroy();
      await expect(connect()).rejects.toMatchObject({
        code: 'REMOTING_CONNECT_FAILED',
        message: expect.stringContaining('The name cannot be resolved'),
      });
      (await connect()).destroy();
      expect(addresses).toEqual([]);
    } finally {
      dns.lookup = lookup;
    }
    await listener.close();
  });
});
