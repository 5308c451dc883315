#!/usr/bin/env node
/**
 * Runs a program of this project under its own Node (24), installing the project's packages first where they
 * are missing or older than package-lock.json. Usage: node operator/bin/ensure-installed.mjs <program> [arguments]
 *
 * Plain JavaScript without dependencies, because in a fresh clone there is nothing else to rely on.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectDir = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const nodePath = join(projectDir, 'node_modules/.bin/node');

/** True when node_modules is complete and at least as new as the lock file. */
function isInstalled() {
  const installed = join(projectDir, 'node_modules/.package-lock.json');
  const wanted = join(projectDir, 'package-lock.json');
  if (!existsSync(installed) || !existsSync(nodePath)) return false;
  return !existsSync(wanted) || statSync(installed).mtimeMs >= statSync(wanted).mtimeMs;
}

/** Installs the packages if need be; ends the process with a message if that fails. */
export function ensureInstalled() {
  if (isInstalled()) return;
  console.error('Installing the packages of FaaSKeeper (npm ci) …');
  const install = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: projectDir,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, NODE_ENV: 'development' },
  });
  if (install.status === 0) return;
  console.error(
    install.error
      ? `npm could not be started (${install.error.message}). Install Node.js 20.18.1 or newer with npm.`
      : 'npm ci failed. Its messages are above; mend the cause and run the same command again.',
  );
  process.exit(1);
}

/** Runs `program` under the project's Node, passes signals on, and ends as it ends. */
export function handOver(program, args) {
  const stdio = program.endsWith('.ts') ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit';
  const child = spawn(nodePath, ['--conditions=source', join(projectDir, program), ...args], { stdio });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`${nodePath} could not be started: ${error.message}. Remove node_modules and try again.`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

const isProgram = process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) {
  const [program, ...args] = process.argv.slice(2);
  if (program === undefined) {
    console.error('Usage: node operator/bin/ensure-installed.mjs <program> [arguments]');
    process.exit(2);
  }
  ensureInstalled();
  handOver(program, args);
}
