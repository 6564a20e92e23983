import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AllocationRecord } from './allocation-cases.js';
import { goldenFolder } from './golden-frames.js';

/** How the client 4.9.8 shared queues out in 10,000 cases. */
export const recordedAllocations = JSON.parse(
  readFileSync(join(goldenFolder, 'allocations-4.9.8.json'), 'utf8'),
) as AllocationRecord;
