import { Turn } from '@nestjs-rocketmq/foundation';
import { encodeRequest, PullMessage } from '@nestjs-rocketmq/protocol';
import { Connection, Hold } from './connection.js';
import { Router } from './index.js';
import type { Wire } from './network.js';
import { SendStage } from './send-stage.js';
import { Gate, open, send, storing, turns, until, pull } from './testing/raw-wire.js';

describe('answers that wait for the disk', () => {
  it('leave when their epoch is durable, the later ones with the next', async () => {
    const gate = new Gate(true);
    await using at = await open(storing(), { gate });
    at.wire.write(send(1));
    await turns();
    gate.listener.epochClosing();
    at.wire.write(send(2));
    await turns();
    expect(at.answers).toHaveLength(0);
    gate.listener.epochDurable();
    await until(() => at.answers.length === 1);
    gate.listener.epochClosing();
    gate.listener.epochDurable();
    await until(() => at.answers.length === 2);
    expect(at.answers.map(({ opaque, code }) => [opaque, code])).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  it('become failures when the sync fails, those of the next epoch do not', async () => {
    const gate = new Gate(true);
    await using at = await open(storing(), { gate });
    at.wire.write(Buffer.concat([send(1), send(2, 'binary')]));
    await turns();
    gate.listener.epochClosing();
    at.wire.write(send(3));
    await turns();
    gate.listener.epochFailed(new Error('disk gone'));
    gate.listener.epochClosing();
    gate.listener.epochDurable();
    await until(() => at.answers.length === 3);
    expect(at.answers.map(({ opaque, code, form }) => [opaque, code, form])).toEqual([
      [1, 1, 'json'],
      [2, 1, 'binary'],
      [3, 0, 'json'],
    ]);
    expect(at.answers[0]?.remark).toBe('the message was not stored: disk gone');
  });

  it.each([true, false])(
    'become failures when the write of their turn fails (waiting: %s)',
    async (waits) => {
      const gate = new Gate(waits);
      let fails = false;
      await using at = await open(storing(), { gate });
      at.turn.onEnd('write', () => fails && gate.listener.turnFailed(new Error('no space')));
      at.wire.write(send(1));
      await turns();
      fails = true;
      at.wire.write(send(2));
      await turns();
      if (waits) {
        gate.listener.epochClosing();
        gate.listener.epochDurable();
      }
      await until(() => at.answers.length === 2);
      expect(at.answers.map(({ opaque, code }) => [opaque, code])).toEqual([
        [1, 0],
        [2, 1],
      ]);
    },
  );
});

describe('answers with bodies', () => {
  const ends: (() => void)[] = [];
  const turn = new Turn((end) => ends.push(end));
  const stage = new SendStage(turn, undefined);
  const limits = { maxFrameBytes: 1 << 20, maxWritable: 1 << 20 };

  /** A connection that notes the length of each write to its wire. */
  function connected(): { connection: Connection; writes: number[] } {
    const writes: number[] = [];
    const nothing = (): void => undefined;
    const wire = { writableLength: 0, pause: nothing, resume: nothing } as Partial<Wire>;
    const write = (bytes: Uint8Array): number => writes.push(bytes.length);
    const connection = new Connection({ ...wire, write } as Wire, stage, limits, nothing);
    return { connection, writes };
  }

  function answer(connection: Connection, bytes: number): void {
    stage.beginBody(connection);
    connection.write(new Uint8Array(bytes));
  }

  function endTurn(): void {
    for (const end of ends.splice(0)) end();
  }

  it('leave when the next one is begun, the last one at the end of the turn', () => {
    const [a, b] = [connected(), connected()];
    answer(a.connection, 20_000);
    expect(a.writes).toEqual([]);
    answer(b.connection, 30_000);
    expect([a.writes, b.writes]).toEqual([[20_000], []]);
    answer(a.connection, 20_000);
    endTurn();
    expect([a.writes, b.writes]).toEqual([[20_000, 20_000], [30_000]]);
  });

  it('leave together at the end of the turn when they are small', () => {
    const { connection, writes } = connected();
    for (let i = 0; i < 3; i += 1) answer(connection, 1_000);
    expect(writes).toEqual([]);
    endTurn();
    expect(writes).toEqual([3_000]);
  });

  it('wait for the end of the turn where sending could let the other side go on', () => {
    const { connection, writes } = connected();
    answer(connection, 20_000);
    connection.hold(Hold.unsent);
    answer(connection, 20_000);
    expect(writes).toEqual([]);
    endTurn();
    expect(writes).toEqual([40_000]);
  });
});

describe('a connection', () => {
  it('is not read while its answers are not taken, and loses none', async () => {
    let served = 0;
    const router = new Router().hotRoute(PullMessage, (_asked, reply) => {
      served += 1;
      Object.assign(reply.answer, {
        suggestWhichBrokerId: 0,
        nextBeginOffset: 0,
        minOffset: 0,
        maxOffset: 9,
      });
      reply.successWithBody(100_000);
    });
    await using at = await open(router, { maxWritable: 300_000 });
    at.wire.pause();
    const frames = Array.from({ length: 50 }, (_, opaque) =>
      encodeRequest(PullMessage, pull, { opaque }),
    );
    at.wire.write(Buffer.concat(frames));
    await turns();
    expect(served).toBeLessThan(8);
    at.wire.resume();
    await until(() => at.answers.length === 50);
    expect(at.answers.map(({ opaque }) => opaque)).toEqual(frames.map((_, i) => i));
  });

  const broken: [string, Buffer][] = [
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['a length of zero', Buffer.alloc(8)],
    ['a huge length', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])],
    ['a header beyond its frame', Buffer.from([0, 0, 0, 8, 0, 0, 0, 9, 1, 2, 3, 4])],
    ['an unknown header form', Buffer.from([0, 0, 0, 8, 5, 0, 0, 4, 1, 2, 3, 4])],
    [
      'broken JSON',
      Buffer.concat([Buffer.from([0, 0, 0, 16, 0, 0, 0, 12]), Buffer.from('{"code":310,')]),
    ],
    ['a binary header that is too short', Buffer.from([0, 0, 0, 8, 1, 0, 0, 4, 1, 0x36, 3, 4])],
  ];
  it.each(broken)('is closed for %s, and the others go on', async (_name, bytes) => {
    await using at = await open(storing());
    await using other = await open(storing());
    at.wire.write(bytes);
    await until(() => at.closed);
    other.wire.write(send(1));
    await until(() => other.answers.length === 1);
    expect(at.server.peers().size).toBe(0);
  });
});
