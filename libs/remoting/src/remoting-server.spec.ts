import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { silentLogger, systemClock, Turn, type Clock } from '@nestjs-rocketmq/foundation';
import { GetMaxOffset, SendMessageV2 } from '@nestjs-rocketmq/protocol';
import { RemotingClient, RemotingServer, Router } from './index.js';
import { LoopbackNetwork } from './testing/index.js';
import { Gate, open, send, storing, turns, until } from './testing/raw-wire.js';

const host = '127.0.0.1';
const maxOffset = { topic: 't', queueId: 3 };

async function serve(router: Router, clock: Clock, idleMs = 120_000) {
  const network = new LoopbackNetwork();
  const server = await RemotingServer.listen({
    host,
    port: 0,
    router,
    turn: new Turn(),
    network,
    clock,
    logger: silentLogger,
    limits: { idleMs },
  });
  const address = `${host}:${server.address.port}`;
  return { network, server, address };
}

function answering(): Router {
  return new Router().route(GetMaxOffset, () => ({ header: { offset: 1 } }));
}

describe('idle connections', () => {
  it('are closed by the server after the idle time, and not while something comes or goes', async () => {
    const clock = new ManualClock();
    const { network, server, address } = await serve(answering(), clock, 1_000);
    const closed: string[] = [];
    server.onPeerClose((peer) => closed.push(peer.remoteAddress));
    const client = new RemotingClient({ network, clock, logger: silentLogger, idleMs: 0 });
    const peer = await client.peer(address);
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(900);
      await peer.invoke(GetMaxOffset, maxOffset, { timeoutMs: 100 });
    }
    expect(closed).toEqual([]);
    await clock.advance(1_300);
    expect(closed).toHaveLength(1);
    expect(peer.closed).toBe(true);
    await client.close();
    await server.close();
    expect(clock.waiting).toBe(0);
  });

  it('are closed by the client too, and made anew for the next request', async () => {
    const clock = new ManualClock();
    const { network, server, address } = await serve(answering(), clock, 0);
    const client = new RemotingClient({ network, clock, logger: silentLogger, idleMs: 1_000 });
    const first = await client.peer(address);
    await clock.advance(1_300);
    expect(first.closed).toBe(true);
    const answer = await client.invoke(address, GetMaxOffset, maxOffset, { timeoutMs: 100 });
    expect(answer.header.offset).toBe(1);
    expect(network.wires).toHaveLength(4);
    await client.close();
    await server.close();
  });

  it('stay while a request waits for its answer', async () => {
    const clock = new ManualClock();
    let answer: () => void = () => undefined;
    const router = new Router().route(
      GetMaxOffset,
      () => new Promise((resolve) => (answer = () => resolve({ header: { offset: 7 } }))),
    );
    const { network, server, address } = await serve(router, clock, 1_000);
    const client = new RemotingClient({ network, clock, logger: silentLogger, idleMs: 1_000 });
    const peer = await client.peer(address);
    const waiting = peer.invoke(GetMaxOffset, maxOffset, { timeoutMs: 60_000 });
    await clock.advance(5_000);
    answer();
    await expect(waiting).resolves.toMatchObject({ header: { offset: 7 } });
    await client.close();
    await server.close();
  });
});

describe('closing a server', () => {
  it('answers what is being worked on, and refuses whoever comes later', async () => {
    let answer: () => void = () => undefined;
    const router = new Router().route(
      GetMaxOffset,
      () => new Promise((resolve) => (answer = () => resolve({ header: { offset: 7 } }))),
    );
    const { network, server, address } = await serve(router, systemClock);
    const client = new RemotingClient({ network, clock: systemClock, logger: silentLogger });
    const waiting = client.invoke(address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 });
    await turns();
    const closing = server.close();
    await turns();
    answer();
    await expect(waiting).resolves.toMatchObject({ header: { offset: 7 } });
    await closing;
    expect(server.peers().size).toBe(0);
    await turns();
    await expect(client.peer(address)).rejects.toMatchObject({ code: 'REMOTING_CONNECT_FAILED' });
    await client.close();
  });

  it('waits for answers that wait for the disk', async () => {
    const gate = new Gate(true);
    const at = await open(storing(), { gate });
    at.wire.write(send(1));
    await turns();
    let isClosed = false;
    const closing = at.server.close().then(() => (isClosed = true));
    await turns();
    expect(isClosed).toBe(false);
    gate.listener.epochClosing();
    gate.listener.epochDurable();
    await closing;
    await until(() => at.closed);
    expect(at.answers.map(({ opaque, code }) => [opaque, code])).toEqual([[1, 0]]);
  });

  it('cuts connections whose handlers do not end, after the deadline', async () => {
    const clock = new ManualClock();
    const router = new Router().route(GetMaxOffset, () => new Promise<never>(() => undefined));
    const { network, server, address } = await serve(router, clock);
    const client = new RemotingClient({ network, clock, logger: silentLogger });
    const peer = await client.peer(address);
    const waiting = peer.invoke(GetMaxOffset, maxOffset, { timeoutMs: 60_000 });
    const failed = expect(waiting).rejects.toMatchObject({ code: 'REMOTING_CONNECTION_LOST' });
    await turns();
    const closing = server.close({ deadlineMs: 500 });
    await clock.advance(600);
    await closing;
    await failed;
    await client.close();
  });

  it('happens once, however often it is asked for', async () => {
    const { server } = await serve(answering(), systemClock);
    await Promise.all([server.close(), server.close()]);
  });
});

describe('a router', () => {
  it('refuses a code that is routed twice', () => {
    const router = answering();
    expect(() => router.refuse(30, 'GET_MAX_OFFSET', 'twice')).toThrow('code 30 is routed twice');
  });

  it('with hot routes is refused by a client, which has no turn to answer in', () => {
    const router = new Router().hotRoute(SendMessageV2, (_asked, reply) => reply.success());
    const options = { clock: systemClock, logger: silentLogger, router };
    expect(() => new RemotingClient(options)).toThrow('hot route');
  });
});
