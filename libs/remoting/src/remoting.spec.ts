import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { silentLogger, systemClock, Turn } from '@nestjs-rocketmq/foundation';
import {
  encodeFrame,
  decodeFrame,
  GetConsumerListByGroup,
  GetMaxOffset,
  ResponseCode,
  ResponseError,
  UnregisterClient,
  type Frame,
} from '@nestjs-rocketmq/protocol';
import { nodeNetwork, RemotingClient, RemotingServer, Router } from './index.js';
import type { Network } from './index.js';
import { LoopbackNetwork } from './testing/index.js';

const networks: [string, () => Network][] = [
  ['TCP', () => nodeNetwork],
  ['loopback', () => new LoopbackNetwork()],
  ['loopback cut into single bytes', () => new LoopbackNetwork({ chunkBytes: 1 })],
];

async function pair(network: Network, router: Router, form: 'json' | 'binary' = 'json') {
  const logger = silentLogger;
  const host = '127.0.0.1';
  const turn = new Turn();
  const server = await RemotingServer.listen({
    host,
    port: 0,
    router,
    turn,
    network,
    clock: systemClock,
    logger,
  });
  const client = new RemotingClient({ network, clock: systemClock, logger, form });
  const address = `${host}:${server.address.port}`;
  return {
    server,
    client,
    address,
    async [Symbol.asyncDispose]() {
      await client.close();
      await server.close();
    },
  };
}

const maxOffset = { topic: 't', queueId: 3 };

describe.each(networks)('asking over %s', (_name, network) => {
  it.each(['json', 'binary'] as const)('answers a %s request in its form', async (form) => {
    const router = new Router().route(GetMaxOffset, (asked, call) => {
      expect(call.oneway).toBe(false);
      expect(call.peer.remoteHost).toEqual(Uint8Array.of(127, 0, 0, 1));
      return { header: { offset: asked.queueId * 2 } };
    });
    await using both = await pair(network(), router, form);
    const { client, address } = both;
    const answer = await client.invoke(address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 });
    expect(answer).toMatchObject({ code: 0, name: 'SUCCESS', header: { offset: 6 } });
  });

  it('closes a server at once although its clients stay connected', async () => {
    const router = new Router().route(GetMaxOffset, () => ({ header: { offset: 1 } }));
    await using both = await pair(network(), router);
    const { client, server, address } = both;
    await client.invoke(address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 });
    // A connection that had to be cut would take a minute, longer than a spec may.
    await server.close({ deadlineMs: 60_000 });
    expect(server.peers().size).toBe(0);
  });

  it('answers many requests that leave at once, each its own', async () => {
    const router = new Router().route(GetMaxOffset, async (asked) => {
      if (asked.queueId % 3 === 0) await Promise.resolve();
      return { header: { offset: asked.queueId } };
    });
    await using both = await pair(network(), router);
    const { client, address } = both;
    const ids = Array.from({ length: 200 }, (_, i) => i);
    const answers = await Promise.all(
      ids.map((queueId) =>
        client.invoke(address, GetMaxOffset, { topic: 't', queueId }, { timeoutMs: 30_000 }),
      ),
    );
    expect(answers.map(({ header }) => header.offset)).toEqual(ids);
    expect(client.openPeers().size).toBe(1);
  });

  it('rejects with the code and remark that the handler threw', async () => {
    const router = new Router().route(GetMaxOffset, () => {
      throw new ResponseError(ResponseCode.TOPIC_NOT_EXIST, 'no topic t');
    });
    await using both = await pair(network(), router);
    const { client, address } = both;
    const failure = client.invoke(address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 });
    await expect(failure).rejects.toMatchObject({ responseCode: 17, remark: 'no topic t' });
  });

  it('lets the server ask the client over the same connection', async () => {
    const serverRouter = new Router().route(GetMaxOffset, async (_asked, call) => {
      const list = await call.peer.invoke(
        GetConsumerListByGroup,
        { consumerGroup: 'g' },
        { timeoutMs: 30_000 },
      );
      return { header: { offset: list.body?.consumerIdList?.length ?? -1 } };
    });
    const clientRouter = new Router().route(GetConsumerListByGroup, () => ({
      body: { consumerIdList: ['a', 'b'] },
    }));
    const net = network();
    await using both = await pair(net, serverRouter);
    const asker = new RemotingClient({
      network: net,
      clock: systemClock,
      logger: silentLogger,
      router: clientRouter,
    });
    const answer = await asker.invoke(both.address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 });
    expect(answer.header.offset).toBe(2);
    await asker.close();
  });
});

describe('a remoting server', () => {
  it('answers a code without route with the words of Java, and a refused one with its reason', async () => {
    const router = new Router().refuse(30, 'GET_MAX_OFFSET', 'not built');
    await using both = await pair(new LoopbackNetwork(), router);
    const { client, address } = both;
    await expect(
      client.invoke(address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 }),
    ).rejects.toMatchObject({
      responseName: 'REQUEST_CODE_NOT_SUPPORTED',
      remark: ' request type 30 not supported: GET_MAX_OFFSET, not built',
    });
    await expect(
      client.invoke(address, GetConsumerListByGroup, { consumerGroup: 'g' }, { timeoutMs: 30_000 }),
    ).rejects.toMatchObject({ responseCode: 3, remark: ' request type 38 not supported' });
  });

  it('answers SYSTEM_ERROR when a handler throws anything else, or its answer does not fit', async () => {
    const router = new Router()
      .route(GetMaxOffset, () => Promise.reject(new TypeError('oops')))
      .route(GetConsumerListByGroup, () => ({ body: { consumerIdList: 5 as never } }));
    await using both = await pair(new LoopbackNetwork(), router);
    const { client, address } = both;
    await expect(
      client.invoke(address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 }),
    ).rejects.toMatchObject({ responseCode: 1, remark: 'oops' });
  });

  it('answers SYSTEM_ERROR naming the header field that is missing', async () => {
    const router = new Router().route(GetMaxOffset, () => ({ header: { offset: 1 } }));
    const network = new LoopbackNetwork();
    await using both = await pair(network, router);
    const answer = await rawAnswer(network, both.address, { code: 30, extFields: { topic: 't' } });
    expect(answer.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(answer.remark).toContain("'queueId' is missing");
  });

  it('writes nothing after a oneway request, even when it fails', async () => {
    let calls = 0;
    const router = new Router()
      .route(UnregisterClient, () => {
        calls += 1;
        throw new Error('no');
      })
      .route(GetMaxOffset, () => ({ header: { offset: calls } }));
    await using both = await pair(new LoopbackNetwork(), router);
    const { client, address } = both;
    await client.notify(address, UnregisterClient, { clientID: 'c' });
    const answer = await client.invoke(address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 });
    expect(answer.header.offset).toBe(1);
    expect((await client.peer(address)).unmatchedAnswers).toBe(0);
  });

  it('asks the guard before the handler', async () => {
    const router = new Router().route(GetMaxOffset, () => ({ header: { offset: 1 } }));
    router.guard = ({ definition, asked }) => ({
      code: 'NO_PERMISSION',
      remark: `${definition.needs} ${String(asked['topic'])}`,
    });
    await using both = await pair(new LoopbackNetwork(), router);
    const { client, address } = both;
    await expect(
      client.invoke(address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 }),
    ).rejects.toMatchObject({ responseName: 'NO_PERMISSION', remark: 'read t' });
  });
});

async function rawAnswer(
  network: Network,
  address: string,
  request: Pick<Frame, 'code' | 'extFields'>,
): Promise<Frame> {
  const [host = '', port] = address.split(':');
  const wire = await network.connect({ host, port: Number(port), timeoutMs: 30_000 });
  const answered = new Promise<Frame>((resolve) =>
    wire.onData((chunk) => resolve(decodeFrame(chunk))),
  );
  wire.write(
    encodeFrame({
      language: 'JAVA',
      version: 0,
      opaque: 1,
      flag: 0,
      remark: undefined,
      body: new Uint8Array(0),
      form: 'json',
      ...request,
    }),
  );
  const answer = await answered;
  wire.destroy();
  return answer;
}

describe('a remoting client', () => {
  it('fails who waits at once when the connection is lost', async () => {
    const router = new Router().route(GetMaxOffset, () => new Promise<never>(() => undefined));
    await using both = await pair(new LoopbackNetwork(), router);
    const peer = await both.client.peer(both.address);
    const waiting = peer.invoke(GetMaxOffset, maxOffset, { timeoutMs: 60_000 });
    peer.close();
    await expect(waiting).rejects.toMatchObject({ code: 'REMOTING_CONNECTION_LOST' });
  });

  it('gives up after the time of the request, and drops the answer that comes later', async () => {
    const clock = new ManualClock();
    let answer: () => void = () => undefined;
    const router = new Router().route(
      GetMaxOffset,
      () => new Promise((resolve) => (answer = () => resolve({ header: { offset: 1 } }))),
    );
    const network = new LoopbackNetwork();
    await using both = await pair(network, router);
    const client = new RemotingClient({ network, clock, logger: silentLogger });
    const peer = await client.peer(both.address);
    const waiting = peer.invoke(GetMaxOffset, maxOffset, { timeoutMs: 1000 });
    const failed = expect(waiting).rejects.toMatchObject({ code: 'REMOTING_REQUEST_TIMEOUT' });
    await clock.advance(990);
    expect(peer.waiting).toBe(1);
    await clock.advance(50);
    await failed;
    answer();
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(peer.unmatchedAnswers).toBe(1);
    await client.close();
  });

  it('connects once for all who ask at the same time', async () => {
    const router = new Router().route(GetMaxOffset, () => ({ header: { offset: 1 } }));
    const network = new LoopbackNetwork();
    await using both = await pair(network, router);
    const asks = [1, 2, 3].map(() =>
      both.client.invoke(both.address, GetMaxOffset, maxOffset, { timeoutMs: 30_000 }),
    );
    await Promise.all(asks);
    expect(network.wires).toHaveLength(2);
  });

  it('says who does not listen, and refuses after close', async () => {
    const network = new LoopbackNetwork();
    const client = new RemotingClient({ network, clock: systemClock, logger: silentLogger });
    const ask = () => client.invoke('127.0.0.1:1', GetMaxOffset, maxOffset, { timeoutMs: 30_000 });
    await expect(ask()).rejects.toMatchObject({ code: 'REMOTING_CONNECT_FAILED' });
    await expect(client.peer('nowhere')).rejects.toMatchObject({
      code: 'REMOTING_ADDRESS_INVALID',
    });
    await client.close();
    await expect(ask()).rejects.toMatchObject({ code: 'REMOTING_CLOSED' });
  });

  it('closes a connection over which nothing comes any more, and makes a new one', async () => {
    const clock = new ManualClock();
    const network = new LoopbackNetwork();
    const router = new Router().route(GetMaxOffset, () => ({ header: { offset: 1 } }));
    await using both = await pair(network, router);
    const client = new RemotingClient({ network, clock, logger: silentLogger });
    const ask = (timeoutMs: number) =>
      client.invoke(both.address, GetMaxOffset, maxOffset, { timeoutMs });
    await ask(3_000);
    const peer = await client.peer(both.address);
    for (const wire of network.wires) wire.mute();
    const long = expect(ask(30_000)).rejects.toMatchObject({ code: 'REMOTING_CONNECTION_LOST' });
    const short = expect(ask(500)).rejects.toMatchObject({ code: 'REMOTING_REQUEST_TIMEOUT' });
    await clock.advance(600);
    await short;
    expect(peer.closed).toBe(false);
    const late = expect(ask(3_000)).rejects.toMatchObject({ code: 'REMOTING_REQUEST_TIMEOUT' });
    await clock.advance(3_100);
    await late;
    await long;
    expect(peer.closed).toBe(true);
    await expect(ask(3_000)).resolves.toMatchObject({ header: { offset: 1 } });
    await client.close();
  });

  it('keeps a connection over which something else comes', async () => {
    const clock = new ManualClock();
    const network = new LoopbackNetwork();
    const router = new Router().route(GetMaxOffset, ({ queueId }) =>
      queueId === 0 ? new Promise<never>(() => undefined) : { header: { offset: 1 } },
    );
    await using both = await pair(network, router);
    const client = new RemotingClient({ network, clock, logger: silentLogger });
    const ask = (queueId: number) =>
      client.invoke(both.address, GetMaxOffset, { topic: 't', queueId }, { timeoutMs: 3_000 });
    await ask(1);
    const peer = await client.peer(both.address);
    const never = expect(ask(0)).rejects.toMatchObject({ code: 'REMOTING_REQUEST_TIMEOUT' });
    await ask(1);
    await clock.advance(3_100);
    await never;
    expect(peer.closed).toBe(false);
    await client.close();
  });

  it('ends a request whose signal is aborted', async () => {
    const router = new Router().route(GetMaxOffset, () => new Promise<never>(() => undefined));
    await using both = await pair(new LoopbackNetwork(), router);
    const peer = await both.client.peer(both.address);
    const controller = new AbortController();
    const waiting = peer.invoke(GetMaxOffset, maxOffset, {
      timeoutMs: 60_000,
      signal: controller.signal,
    });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toMatchObject({ code: 'REMOTING_REQUEST_ABORTED' });
    expect(peer.waiting).toBe(0);
    peer.close();
  });
});
