/** Records golden data again: `node tools/jest.mjs --config test/interop/recording/jest.config.js`. */
import base from '../../../jest.config.js';

export default {
  ...base,
  rootDir: '../../..',
  roots: ['<rootDir>/test/interop/recording'],
  testMatch: ['**/*.record.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  testTimeout: 600_000,
  maxWorkers: 1,
};
