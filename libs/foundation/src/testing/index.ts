export { ManualClock } from './manual-clock.js';
export { chanceSeed, propertyRuns, seedOfRun } from './seed-of-run.js';
export { SeededRandom } from './seeded-random.js';
