import { seedOfRun } from '@nestjs-rocketmq/foundation/testing';
import type { Parameters } from 'fast-check';

/**
 * How a property is run: `count` times, or as often as `PROPERTY_RUNS` says; from the seed of the run. A
 * failing property prints its seed and the smallest example it found.
 */
export function runs<T>(count: number): Parameters<T> {
  return { numRuns: Number(process.env['PROPERTY_RUNS'] ?? count), seed: seedOfRun() };
}
