import { ResponseCode } from '@nestjs-rocketmq/protocol';
import { WaitingLine } from './waiting-line.js';

const options = {
  brokerFastFailureEnable: true,
  waitTimeMillsInSendQueue: 200,
  waitTimeMillsInPullQueue: 5000,
  waitTimeMillsInLitePullQueue: 4000,
  waitTimeMillsInTransactionQueue: 3000,
  osPageCacheBusyTimeOutMills: 1000,
};

/** A line after a turn whose write took so long; `asks` counts the turns that were asked for. */
function lineAfter(millis: number, more = {}) {
  const refusals: string[] = [];
  let write = millis;
  let asks = 0;
  const turn = { ask: () => void (asks += 1) };
  const line = new WaitingLine(() => write, turn, { ...options, ...more });
  line.turnEnded();
  const reply = {
    refuse: (code: number, remark: string) => {
      expect(code).toBe(ResponseCode.SYSTEM_BUSY);
      refusals.push(remark);
    },
  };
  const next = (ms: number): void => {
    write = ms;
    line.turnEnded();
  };
  return { line, reply, refusals, next, asks: () => asks };
}

describe('requests that waited for a slow disk', () => {
  it('are taken when the write was fast enough', () => {
    const { line, reply, refusals } = lineAfter(199);
    for (const kind of ['send', 'pull', 'litePull', 'transaction'] as const) {
      expect(line.refuses(kind, reply)).toBe(false);
    }
    expect(refusals).toEqual([]);
  });

  it('are answered SYSTEM_BUSY when it was longer than they may wait', () => {
    const { line, reply, refusals } = lineAfter(200);
    expect(line.refuses('send', reply)).toBe(true);
    expect(line.refuses('transaction', reply)).toBe(false);
    expect(refusals).toEqual([
      '[TIMEOUT_CLEAN_QUEUE]broker busy, start flow control for a while, ' +
        'period in queue: 200ms, size of queue: 0',
    ]);
  });

  it('are told of the disk when that is busy for long', () => {
    const { line, reply, refusals } = lineAfter(4500);
    expect(line.refuses('send', reply)).toBe(true);
    expect(line.refuses('transaction', reply)).toBe(true);
    expect(line.refuses('litePull', reply)).toBe(true);
    expect(line.refuses('pull', reply)).toBe(false);
    expect(refusals.map((remark) => remark.slice(0, 21))).toEqual([
      '[PCBUSY_CLEAN_QUEUE]b',
      '[TIMEOUT_CLEAN_QUEUE]',
      '[TIMEOUT_CLEAN_QUEUE]',
    ]);
  });

  it('are those up to the end of the next turn, which is sure to come', () => {
    const { line, reply, next, asks } = lineAfter(500);
    expect(asks()).toBe(1);
    expect(line.refuses('send', reply)).toBe(true);
    expect(line.refuses('send', reply)).toBe(true);
    next(0);
    expect(line.refuses('send', reply)).toBe(false);
    expect(asks()).toBe(1);
  });

  it('are taken all the same when fast failure is off', () => {
    const { line, reply } = lineAfter(60_000, { brokerFastFailureEnable: false });
    expect(line.refuses('send', reply)).toBe(false);
  });
});
