import { SeededRandom, seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import { InFlight } from './in-flight.js';

describe('InFlight', () => {
  it('lets in up to the count, then in the order of arrival', async () => {
    const bound = new InFlight(2, 1000);
    expect([bound.tryEnter(1), bound.tryEnter(1), bound.tryEnter(1)]).toEqual([true, true, false]);
    const order: string[] = [];
    const first = bound.wait(1).then(() => order.push('first'));
    const second = bound.wait(1).then(() => order.push('second'));
    bound.leave(1);
    await first;
    expect([order, bound.running, bound.waiting]).toEqual([['first'], 2, 1]);
    bound.leave(1);
    await second;
    expect(order).toEqual(['first', 'second']);
  });

  it('does not let a newcomer overtake those in line', () => {
    const bound = new InFlight(2, 10);
    bound.tryEnter(8);
    void bound.wait(8);
    expect(bound.tryEnter(1)).toBe(false);
  });

  it('lets a message larger than the whole bound pass alone', () => {
    const bound = new InFlight(5, 10);
    expect(bound.tryEnter(50)).toBe(true);
    expect(bound.tryEnter(1)).toBe(false);
  });

  it('still serves those in line after close, but nobody new', async () => {
    const bound = new InFlight(1, 10);
    bound.tryEnter(1);
    const waiting = bound.wait(1);
    bound.close();
    bound.leave(1);
    await waiting;
    await expect(bound.wait(1)).rejects.toMatchObject({ code: 'CLIENT_NOT_RUNNING' });
  });

  it('tells when all have left', async () => {
    const bound = new InFlight(1, 10);
    bound.tryEnter(1);
    let isIdle = false;
    const idle = bound.idle().then(() => (isIdle = true));
    await Promise.resolve();
    expect(isIdle).toBe(false);
    bound.leave(1);
    await idle;
  });

  it('fails those in line when it is abandoned', async () => {
    const bound = new InFlight(1, 10);
    bound.tryEnter(1);
    const waiting = bound.wait(1);
    bound.abandon();
    await expect(waiting).rejects.toMatchObject({ code: 'CLIENT_NOT_RUNNING' });
  });

  it('keeps both bounds and the order of arrival, whatever comes and goes', async () => {
    const random = new SeededRandom(seedOfRun());
    for (let run = 0; run < 100; run += 1) {
      const [most, mostBytes] = [1 + random.below(8), 1 + random.below(100)];
      const bound = new InFlight(most, mostBytes);
      const running: number[] = [];
      const admitted: number[] = [];
      const came: number[] = [];
      const admit = (id: number, bytes: number): void => {
        admitted.push(id);
        running.push(bytes);
      };
      for (let id = 0; id < 60; id += 1) {
        const bytes = random.below(120);
        came.push(id);
        if (bound.tryEnter(bytes)) admit(id, bytes);
        else void bound.wait(bytes).then(() => admit(id, bytes));
        while (running.length > 0 && random.chance(0.4)) {
          bound.leave(running.splice(random.below(running.length), 1)[0] as number);
        }
        await Promise.resolve();
        const sum = running.reduce((all, one) => all + one, 0);
        expect(running.length).toBeLessThanOrEqual(most);
        expect(sum <= mostBytes || running.filter((one) => one > 0).length === 1).toBe(true);
        expect(bound.running).toBe(running.length);
      }
      while (running.length > 0) {
        bound.leave(running.pop() as number);
        await Promise.resolve();
      }
      expect([admitted, bound.waiting]).toEqual([came, 0]);
    }
  });
});
