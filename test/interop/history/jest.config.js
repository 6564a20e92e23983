/** One store in the hands of ours and Java's in turn, minutes per version: `npm run test:history`. */
import base from '../../../jest.config.js';

export default {
  ...base,
  rootDir: '../../..',
  roots: ['<rootDir>/test/interop/history'],
  testMatch: ['**/*.history.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  testTimeout: 300_000,
  maxWorkers: 1,
};
