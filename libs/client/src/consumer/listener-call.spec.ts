import type { AssignedQueue } from './assigned-queue.js';
import { ListenerCall } from './listener-call.js';
import type { Held } from './process-queue.js';

/** A call with so many messages in hand; the queue and the messages play no part. */
function callOf(count: number): ListenerCall {
  const held = Array.from({ length: count }, () => ({ message: {} }) as Held);
  return new ListenerCall({ queue: {} } as AssignedQueue, held, 0);
}

describe('what a listener answers', () => {
  it.each([
    ['one verdict for all', { kind: 'success' }],
    ['one for each message', [{ kind: 'success' }, { kind: 'dead-letter' }]],
  ])('may be %s', async (_, verdict) => {
    expect(await callOf(2).run(() => verdict as never)).toEqual({ verdict });
  });

  it.each([
    ['nothing', undefined],
    ['a verdict that does not exist', { kind: 'done' }],
    ['too few verdicts', [{ kind: 'success' }]],
    ['a verdict and something else', [{ kind: 'success' }, undefined]],
  ])('is a retry with an error when it is %s', async (_, answer) => {
    const outcome = await callOf(2).run(() => answer as never);
    expect(outcome.verdict).toEqual({ kind: 'retry' });
    expect(outcome.error).toContain('one for each message');
  });

  it('is a retry when it throws', async () => {
    const error = new Error('x');
    const outcome = await callOf(1).run(() => {
      throw error;
    });
    expect(outcome).toEqual({ verdict: { kind: 'retry' }, fault: 'threw', error });
  });
});
