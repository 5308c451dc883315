/**
 * `npm test`: type check, lint and format check, then unit and integration tests on the real servers.
 * Arguments go to jest (`npm test -- test/unit/paths.test.ts`), and then only jest runs.
 * FAASKEEPER_TEST_RESULTS names a file for jest's summary as JSON, with the failed steps added.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const projectDir = resolve(import.meta.dirname, '..');
const modules = join(projectDir, 'node_modules');
const jestArgs = process.argv.slice(2);
const resultsFile = process.env.FAASKEEPER_TEST_RESULTS;

const steps = [
  { name: 'typecheck', command: join(modules, '.bin/tsc'), args: ['-p', projectDir] },
  { name: 'lint', command: join(modules, '.bin/biome'), args: ['check', '--error-on-warnings', projectDir] },
  {
    name: 'jest',
    command: process.execPath,
    args: [
      '--conditions=source',
      join(modules, 'jest/bin/jest.js'),
      ...(resultsFile ? ['--json', `--outputFile=${resultsFile}`] : []),
      ...jestArgs,
    ],
  },
];

if (resultsFile) rmSync(resultsFile, { force: true });
const failed = [];
for (const { name, command, args } of steps) {
  if (jestArgs.length > 0 && name !== 'jest') continue;
  console.log(`\n> ${name}`);
  const { status, error } = spawnSync(command, args, { cwd: projectDir, stdio: 'inherit' });
  if (error) console.error(`${command} could not be started: ${error.message}`);
  if (status !== 0) failed.push(name);
}

if (resultsFile) {
  const results = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {};
  writeFileSync(resultsFile, JSON.stringify({ ...results, failedSteps: failed }));
}
console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
