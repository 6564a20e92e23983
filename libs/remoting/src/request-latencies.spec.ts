import type { Turn } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import {
  encodeRequest,
  EndTransaction,
  GetMaxOffset,
  PullMessage,
  QueryConsumerOffset,
  ResponseCode,
  ResponseError,
  SendMessageV2,
} from '@nestjs-rocketmq/protocol';
import { RequestLatencies, Router, type HeldReply } from './index.js';
import { Gate, open, send, storing, turns, until, pull } from './testing/raw-wire.js';

/** Stands still unless it is set. */
class SetClock extends ManualClock {
  at = 1_000;
  override monotonic(): number {
    return this.at;
  }
}

/** A server whose requests are timed by a clock that stands still. */
async function start(router: Router, gate?: Gate, mostSeries?: number) {
  const clock = new SetClock();
  let latencies!: RequestLatencies;
  const latenciesOf = (turn: Turn) => (latencies = new RequestLatencies(clock, turn, mostSeries));
  const at = await open(router, gate === undefined ? { latenciesOf } : { latenciesOf, gate });
  /** `request response result`, how many and their milliseconds together. */
  const told = (): Record<string, [number, number]> =>
    Object.fromEntries(
      [...latencies.all()].map(({ labels, count, sum }) => {
        const held = labels['is_long_polling'] === 'true' ? ' held' : '';
        const { request_code: asked, response_code: answered, result } = labels;
        return [`${asked} ${answered} ${result}${held}`, [count, sum]];
      }),
    );
  return { at, clock, told, all: () => [...latencies.all()] };
}

const offsets = { suggestWhichBrokerId: 0, nextBeginOffset: 0, minOffset: 0, maxOffset: 9 };
const end = {
  producerGroup: 'g',
  tranStateTableOffset: 1,
  commitLogOffset: 2,
  commitOrRollback: 8,
  msgId: 'm',
};

describe('the time that requests take', () => {
  it('lasts from the turn in which they came to the end of the turn of their answers', async () => {
    const router = storing();
    const { at, clock, told, all } = await start(router);
    await using _server = at;
    at.turn.onEnd('write', () => (clock.at += 4.5));
    at.wire.write(Buffer.concat([send(1), send(2, 'binary'), send(3)]));
    await until(() => at.answers.length === 3);
    at.wire.write(send(4));
    await until(() => at.answers.length === 4);
    expect(told()).toEqual({ 'send_message_v2 success success': [4, 16] });
    const [series] = all();
    expect(series?.labels).toEqual({
      protocol_type: 'remoting',
      is_long_polling: 'false',
      request_code: 'send_message_v2',
      response_code: 'success',
      result: 'success',
    });
    expect(series?.bounds).toEqual([1, 3, 5, 7, 10, 100, 1_000, 2_000, 3_000]);
    expect([...(series?.counts ?? [])]).toEqual([0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('lasts until the disk has the messages where answers wait for it', async () => {
    const gate = new Gate(true);
    const { at, clock, told } = await start(storing(), gate);
    await using _server = at;
    at.wire.write(Buffer.concat([send(1), send(2)]));
    await turns();
    clock.at += 20;
    gate.listener.epochClosing();
    at.wire.write(send(3));
    await turns();
    expect(told()).toEqual({});
    clock.at += 10;
    gate.listener.epochDurable();
    await until(() => at.answers.length === 2);
    expect(told()).toEqual({ 'send_message_v2 success success': [2, 60] });
    gate.listener.epochClosing();
    gate.listener.epochFailed(new Error('disk gone'));
    await until(() => at.answers.length === 3);
    expect(told()).toEqual({
      'send_message_v2 success success': [2, 60],
      'send_message_v2 system_error success': [1, 10],
    });
  });

  it('counts answers as failures when the write of their turn failed', async () => {
    const gate = new Gate(false);
    const { at, told } = await start(storing(), gate);
    await using _server = at;
    let fails = true;
    at.turn.onEnd('write', () => fails && gate.listener.turnFailed(new Error('no space')));
    at.wire.write(Buffer.concat([send(1), send(2)]));
    await until(() => at.answers.length === 2);
    fails = false;
    at.wire.write(send(3));
    await until(() => at.answers.length === 3);
    expect(told()).toEqual({
      'send_message_v2 success success': [1, 0],
      'send_message_v2 system_error success': [2, 0],
    });
  });

  it('is told apart for requests that were held, that want no answer, and for peers gone', async () => {
    const held: HeldReply<typeof PullMessage>[] = [];
    const router = storing()
      .hotRoute(PullMessage, (_asked, reply) => void held.push(reply.hold()))
      .hotRoute(EndTransaction, (_asked, reply) => reply.success());
    const { at, clock, told } = await start(router);
    await using _server = at;
    at.wire.write(encodeRequest(PullMessage, pull, { opaque: 1 }));
    at.wire.write(encodeRequest(PullMessage, pull, { opaque: 2 }));
    at.wire.write(encodeRequest(PullMessage, pull, { opaque: 3 }));
    at.wire.write(encodeRequest(EndTransaction, end, { opaque: 4, oneway: true }));
    await until(() => held.length === 3);
    await turns();
    expect(told()).toEqual({ 'end_transaction success oneway': [1, 0] });
    clock.at += 500;
    for (const reply of held) Object.assign(reply.answer, offsets);
    held[0]?.outcome(ResponseCode.PULL_NOT_FOUND, 'none');
    // What is taken back does not count.
    held[1]?.successWithBody(3);
    held[1]?.withdraw();
    held[1]?.refuse(ResponseCode.SYSTEM_ERROR, 'the disk does not give it');
    await until(() => at.answers.length === 2);
    at.wire.destroy();
    await until(() => held[2]?.isGone === true);
    clock.at += 100;
    held[2]?.success();
    await turns();
    expect(told()).toEqual({
      'end_transaction success oneway': [1, 0],
      'pull_message pull_not_found success held': [1, 500],
      'pull_message system_error success held': [1, 500],
      'pull_message success write_channel_failed held': [1, 600],
    });
  });

  it('includes the work of handlers that wait, and refusals of every kind', async () => {
    const { at, clock, told } = await start(
      storing()
        .route(GetMaxOffset, async () => {
          await turns(3);
          clock.at += 30;
          return { header: { offset: 1 } };
        })
        .route(QueryConsumerOffset, () => {
          throw new ResponseError(ResponseCode.QUERY_NOT_FOUND, 'nothing');
        }),
    );
    await using _server = at;
    const asked = { consumerGroup: 'g', topic: 't', queueId: 0 };
    at.wire.write(encodeRequest(QueryConsumerOffset, asked, { opaque: 1 }));
    at.wire.write(encodeRequest(PullMessage, pull, { opaque: 2 }));
    await until(() => at.answers.length === 2);
    at.wire.write(encodeRequest(GetMaxOffset, { topic: 't', queueId: 0 }, { opaque: 3 }));
    await until(() => at.answers.length === 3);
    expect(told()).toEqual({
      'query_consumer_offset query_not_found success': [1, 0],
      'pull_message request_code_not_supported success': [1, 0],
      'get_max_offset success success': [1, 30],
    });
  });

  it('is kept for so many kinds of answers and no more', async () => {
    let code = 0;
    const router = new Router().hotRoute(SendMessageV2, (_asked, reply) =>
      reply.refuse((code += 1), 'no'),
    );
    const { at, told } = await start(router, undefined, 3);
    await using _server = at;
    at.wire.write(Buffer.concat([send(1), send(2), send(3), send(4)]));
    await until(() => at.answers.length === 4);
    expect(Object.keys(told())).toEqual([
      'send_message_v2 system_error success',
      'send_message_v2 system_busy success',
    ]);
  });
});
