import { propertyRuns } from '@nestjs-rocketmq/foundation/testing';
import type { Parameters } from 'fast-check';

/** `propertyRuns` as fast-check wants it. */
export function runs<T>(count: number): Parameters<T> {
  return propertyRuns(count);
}
