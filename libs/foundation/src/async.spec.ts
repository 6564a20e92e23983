import { Deferred, Semaphore, SerialQueue, withDeadline } from './async.js';
import { ManualClock } from './testing/manual-clock.js';

describe('SerialQueue', () => {
  it('runs one task at a time, in the order they came, also after a failure', async () => {
    const queue = new SerialQueue(10);
    const story: string[] = [];
    const gate = new Deferred<void>();
    const first = queue.run(async () => {
      story.push('first begins');
      await gate.promise;
      story.push('first ends');
      throw new Error('broken');
    });
    const second = queue.run(() => void story.push('second'));
    gate.resolve();
    await expect(first).rejects.toThrow('broken');
    await second;
    expect(story).toEqual(['first begins', 'first ends', 'second']);
  });

  it('refuses more tasks than its bound', async () => {
    const queue = new SerialQueue(1);
    const gate = new Deferred<void>();
    const running = queue.run(() => gate.promise);
    await expect(queue.run(() => undefined)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    gate.resolve();
    await running;
    await expect(queue.run(() => 7)).resolves.toBe(7);
  });
});

describe('Semaphore', () => {
  it('lets those who wait through in line, and nobody overtakes', async () => {
    const bound = new Semaphore(3);
    const release = await bound.acquire(2);
    const story: string[] = [];
    const big = bound.acquire(3).then((done) => (story.push('big'), done));
    expect(bound.tryAcquire(1)).toBeUndefined();
    const small = bound.acquire(1).then((done) => (story.push('small'), done));
    release();
    (await big)();
    (await small)();
    expect(story).toEqual(['big', 'small']);
    expect(bound.taken).toBe(0);
  });

  it('gives back only once what is released twice', async () => {
    const bound = new Semaphore(2);
    const release = await bound.acquire(1);
    release();
    release();
    expect(bound.taken).toBe(0);
  });

  it('lets an amount over the whole bound pass alone', async () => {
    const bound = new Semaphore(2);
    const release = await bound.acquire(50);
    expect(bound.tryAcquire(1)).toBeUndefined();
    release();
    expect(bound.taken).toBe(0);
  });

  it('an aborted waiter leaves the line and does not block those behind', async () => {
    const bound = new Semaphore(2);
    const release = await bound.acquire(1);
    const abort = new AbortController();
    const big = bound.acquire(2, abort.signal);
    const small = bound.acquire(1);
    abort.abort(new Error('gone'));
    await expect(big).rejects.toThrow('gone');
    (await small)();
    release();
  });

  it('close fails everybody in line and later comers', async () => {
    const bound = new Semaphore(1);
    await bound.acquire();
    const waiting = bound.acquire();
    bound.close();
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(bound.acquire()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('withDeadline', () => {
  it('gives the value and leaves no timer when the work is in time', async () => {
    const clock = new ManualClock();
    await expect(
      withDeadline(
        clock,
        10,
        async () => 5,
        () => new Error('late'),
      ),
    ).resolves.toBe(5);
    expect(clock.waiting).toBe(0);
  });

  it('rejects after the time and aborts the signal of the work', async () => {
    const clock = new ManualClock();
    let signal: AbortSignal | undefined;
    const result = withDeadline(
      clock,
      10,
      (given) => ((signal = given), new Promise<never>(() => undefined)),
      () => new Error('late'),
    );
    const failed = expect(result).rejects.toThrow('late');
    await clock.advance(10);
    await failed;
    expect(signal?.aborted).toBe(true);
  });
});
