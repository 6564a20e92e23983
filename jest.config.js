/** One project for all suites: specs beside the sources, and what needs several packages under test/. */
export default {
  rootDir: '.',
  roots: ['libs', 'apps', 'sample-order-service', 'examples', 'test'].map(
    (room) => `<rootDir>/${room}`,
  ),
  testMatch: ['**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/test/interop/java-'],
  modulePathIgnorePatterns: ['/dist/', '/test/interop/java/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironment: 'node',
  testEnvironmentOptions: {
    customExportConditions: ['@nestjs-rocketmq/source', 'node', 'node-addons'],
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
            useDefineForClassFields: false,
          },
        },
      },
    ],
  },
  coverageProvider: 'v8',
  // A machine that runs the gate may be slow and busy; what waits for ever is still told.
  testTimeout: 120_000,
  workerIdleMemoryLimit: '1GB',
};
