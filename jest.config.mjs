/** Jest runs our TypeScript as it is: swc strips the types and turns ES modules into CommonJS. */
const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: [],
  transform: {
    '^.+\\.(ts|mjs)$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'commonjs' },
        jsc: { target: 'es2024', parser: { syntax: 'typescript', explicitResourceManagement: true } },
      },
    ],
  },
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/\\.'],
  watchPathIgnorePatterns: ['/dist/', '<rootDir>/\\.'],
};

export default {
  maxWorkers: 2,
  testTimeout: 15_000,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/{unit,simulation}/**/*.test.ts'] },
    {
      ...shared,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/global-setup.mjs',
      globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
      setupFilesAfterEnv: ['<rootDir>/test/support/integration-timeout.ts'],
    },
  ],
};
