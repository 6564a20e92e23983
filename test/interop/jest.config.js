/** The suites that need Java: `npm run test:interop`. The golden specs run in `npm test` as well. */
import base from '../../jest.config.js';

export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/interop'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  testTimeout: 180_000,
  // Each spec file keeps two or three processes busy, mostly waiting.
  maxWorkers: 2,
};
