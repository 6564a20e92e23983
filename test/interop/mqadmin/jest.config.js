/** All of mqadmin beside official servers, minutes per version: `npm run test:mqadmin`. */
import base from '../../../jest.config.js';

export default {
  ...base,
  rootDir: '../../..',
  roots: ['<rootDir>/test/interop/mqadmin'],
  testMatch: ['**/*.compare.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  testTimeout: 180_000,
  maxWorkers: 1,
};
