import type { Clock, Histogram } from '@nestjs-rocketmq/foundation';

/** Notes how many milliseconds a task took, by whether it threw. */
export function timed(
  clock: Clock,
  times: { readonly success: Histogram; readonly failure: Histogram },
  task: () => void,
): void {
  const began = clock.monotonic();
  let isDone = false;
  try {
    task();
    isDone = true;
  } finally {
    times[isDone ? 'success' : 'failure'].add(Math.round(clock.monotonic() - began));
  }
}
