/** The proofs run one after another, in the order of their numbers, on one cluster: see main.ts. */
import { resolve } from 'node:path';
import base from '../../jest.config.mjs';

const { displayName: _name, testMatch: _match, ...shared } = base.projects[0];

export default {
  ...shared,
  rootDir: resolve(import.meta.dirname, '../..'),
  maxWorkers: 1,
  testTimeout: 600_000,
  bail: false,
  verbose: true,
  testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
  testSequencer: '<rootDir>/test/e2e/sequencer.mjs',
};
