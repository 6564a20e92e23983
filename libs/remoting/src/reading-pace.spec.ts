import { Turn } from '@nestjs-rocketmq/foundation';
import { SendMessageV2 } from '@nestjs-rocketmq/protocol';
import { Connection } from './connection.js';
import { hostBytes, type Wire } from './network.js';
import { ReadingPace } from './reading-pace.js';
import { Router } from './index.js';
import { Gate, open, send, storing, turns, until } from './testing/raw-wire.js';

const noWire: Omit<Wire, 'onData' | 'pause' | 'resume'> = {
  remoteAddress: '127.0.0.1:1',
  remoteHost: hostBytes('127.0.0.1'),
  remotePort: 1,
  localAddress: '127.0.0.1:2',
  writableLength: 0,
  onDrain: () => undefined,
  onClose: () => undefined,
  write: () => undefined,
  end: () => undefined,
  destroy: () => undefined,
};

/** A connection over a wire that says whether it is read. */
function connect(pace: ReadingPace) {
  let bring: (chunk: Uint8Array) => void = () => undefined;
  let isRead = true;
  const wire: Wire = {
    ...noWire,
    onData: (listener) => (bring = listener),
    pause: () => (isRead = false),
    resume: () => (isRead = true),
  };
  const limits = { maxFrameBytes: 1 << 24, maxWritable: 1 << 20, pace };
  const connection = new Connection(wire, { add: () => undefined }, limits, () => undefined);
  connection.open(() => undefined);
  return {
    bring: (bytes: number) => bring(frameOf(bytes)),
    get isRead() {
      return isRead;
    },
  };
}

function frameOf(bytes: number): Uint8Array {
  const frame = Buffer.alloc(bytes);
  frame.writeInt32BE(bytes - 4, 0);
  return frame;
}

describe('the pace of reading', () => {
  it('lets a connection that brought its share wait for the next turn, and no other', () => {
    const turn = new Turn(() => undefined);
    const pace = new ReadingPace(turn);
    pace.shareAmong(1_000);
    const [greedy, modest] = [connect(pace), connect(pace)];
    greedy.bring(40_000);
    modest.bring(4_000);
    expect(greedy.isRead).toBe(true);
    greedy.bring(40_000);
    expect([greedy.isRead, modest.isRead]).toEqual([false, true]);
    turn.end();
    expect(greedy.isRead).toBe(true);
    greedy.bring(40_000);
    expect(greedy.isRead).toBe(true);
    pace.close();
  });

  it('gives few connections much and many connections little', () => {
    const turn = new Turn(() => undefined);
    const pace = new ReadingPace(turn);
    pace.shareAmong(2);
    const one = connect(pace);
    one.bring(1 << 20);
    expect(one.isRead).toBe(true);
    pace.shareAmong(64);
    one.bring(1_000);
    expect(one.isRead).toBe(false);
    pace.close();
  });

  it('lets as many go on as make a turn, first come first served, when many wait', () => {
    const turn = new Turn(() => undefined);
    const pace = new ReadingPace(turn);
    pace.shareAmong(200);
    const all = Array.from({ length: 200 }, () => connect(pace));
    for (const one of all) one.bring(64 * 1024);
    const read = () => all.flatMap(({ isRead }, i) => (isRead ? [i] : []));
    expect(read()).toEqual([]);
    turn.end();
    expect(read()).toEqual(Array.from({ length: 64 }, (_, i) => i));
    for (let i = 0; i < 64; i += 1) all[i]?.bring(64 * 1024);
    turn.end();
    expect(read()).toEqual(Array.from({ length: 64 }, (_, i) => 64 + i));
    for (let i = 0; i < 3; i += 1) turn.end();
    expect(read()).toHaveLength(200);
    pace.close();
  });

  it('ends the turn that a connection waits for', () => {
    let asked = 0;
    const pace = new ReadingPace(new Turn(() => (asked += 1)));
    pace.shareAmong(1_000);
    connect(pace).bring(64 * 1024);
    expect(asked).toBe(1);
    pace.close();
  });
});

describe('a connection under load', () => {
  it('is not read while too many of its answers wait for the disk, and loses none', async () => {
    const gate = new Gate(true);
    let stored = 0;
    const router = storing();
    await using at = await open(router, { gate, chunkBytes: 2_000, maxWritable: 1_000 });
    at.turn.onEnd('publish', () => (stored += 1));
    for (let opaque = 0; opaque < 200; opaque += 1) at.wire.write(send(opaque));
    await turns(300);
    expect(stored).toBeLessThan(20);
    expect(at.answers).toHaveLength(0);
    let isDone = false;
    while (!isDone) {
      gate.listener.epochClosing();
      gate.listener.epochDurable();
      await turns(5);
      isDone = at.answers.length === 200;
    }
    expect(at.answers.map(({ opaque }) => opaque)).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
  });

  it('is not read while the requests that handlers are at work on hold too much', async () => {
    const begun: (() => void)[] = [];
    const router = new Router().route(
      SendMessageV2,
      () => new Promise<undefined>((resolve) => begun.push(() => resolve(undefined))),
    );
    await using at = await open(router);
    const body = 'x'.repeat(1_500_000);
    for (let opaque = 0; opaque < 8; opaque += 1) at.wire.write(send(opaque, 'json', body));
    await turns(50);
    expect(begun).toHaveLength(3);
    for (let answered = 0; answered < 8; answered += 1) {
      await until(() => begun.length > answered);
      begun[answered]?.();
      await turns(2);
      expect(begun.length).toBeLessThanOrEqual(answered + 4);
    }
    await until(() => at.answers.length === 8);
  });
});
