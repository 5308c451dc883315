#!/usr/bin/env node
/**
 * `npx faaskeeper`: start, status, k8s, and everything else to the client's shell. Plain JavaScript, for Node 20 and newer.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureInstalled, handOver, nodePath, projectDir } from './ensure-installed.mjs';

const help = `FaaSKeeper on this machine

Usage: npx faaskeeper [--home <directory>] <command>

  start [flags]     start servers and functions, until Ctrl-C (the same as npm start; flags: start --help)
  status [--json]   what runs, and whether it answers; exit code 0 only when everything does
  shell             an interactive shell with ZooKeeper's commands
  k8s shell <name>  the same on an instance in a Kubernetes cluster (k8s --help)
  <command> …       one such command: ls, get, set, create, delete, stat, watch …; \`help\` lists them

The data directory is --home, else $FAASKEEPER_HOME, else .faaskeeper in the project.
`;

/** Takes a leading `--home <directory>` off the arguments and settles the data directory for whatever runs next. */
function takeHome(args) {
  const rest = [...args];
  let home;
  if (rest[0] === '--home') [, home] = rest.splice(0, 2);
  else if (rest[0]?.startsWith('--home=')) home = rest.shift().slice('--home='.length);
  else {
    process.env.FAASKEEPER_HOME = resolve(process.env.FAASKEEPER_HOME || join(projectDir, '.faaskeeper'));
    return rest;
  }
  if (!home) fail('--home needs a directory.');
  process.env.FAASKEEPER_HOME = resolve(home);
  // Asked for by name, it comes before any binding that the environment names.
  process.env.FAASKEEPER_BINDING = join(process.env.FAASKEEPER_HOME, 'binding');
  return rest;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

/** Runs the shell from the built client, which this Node can run as it is. */
async function shell(args) {
  const built = join(projectDir, 'client/dist/shell.js');
  if (!existsSync(built)) {
    const build = spawnSync(nodePath, ['--conditions=source', join(projectDir, 'operator/bin/build.ts'), '--client'], {
      stdio: ['ignore', 2, 2],
    });
    if (build.status !== 0) fail('The client could not be built: see above, or run `npm run build`.');
  }
  const { runShell } = await import('@faaskeeper/client/shell');
  const code = await runShell(args);
  if (typeof code === 'number') process.exitCode = code;
}

const [command, ...args] = takeHome(process.argv.slice(2));
if (command === undefined || command === '--help' || command === '-h') {
  console.log(help);
  if (command === undefined) process.exitCode = 2;
} else {
  ensureInstalled();
  if (command === 'start') handOver('operator/local/main.ts', args);
  else if (command === 'status') handOver('operator/bin/status.ts', args);
  else if (command === 'k8s') handOver('operator/kubectl/main.ts', args);
  else await shell([command, ...args]);
}
