import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

const projectDir = resolve(import.meta.dirname, '../..');

/** The scripts that boot a Kubernetes on this machine: $FAASKEEPER_CLUSTER_KIT, or `shared/cluster` beside the checkout. */
export function clusterKit(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const directory = resolve(env.FAASKEEPER_CLUSTER_KIT || join(projectDir, '../shared/cluster'));
  return existsSync(join(directory, 'up')) ? directory : undefined;
}

/** Where the kit keeps the programs that it built, helm and kubectl among them. */
function kitPrograms(env: NodeJS.ProcessEnv): string {
  return join(env.FK_CACHE || join(homedir(), '.cache/faaskeeper-cluster'), 'bin');
}

/** helm or kubectl: $FAASKEEPER_HELM or $FAASKEEPER_KUBECTL, on PATH, or that of the kit. */
export function findProgram(name: 'helm' | 'kubectl', env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = env[`FAASKEEPER_${name.toUpperCase()}`];
  if (given) return given;
  const directories = [...(env.PATH ?? '').split(delimiter).filter((entry) => entry !== ''), kitPrograms(env)];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The environment without what npm puts on PATH: the kit packs the Node of this machine. */
export function kitEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const entries = (env.PATH ?? '').split(delimiter);
  return { ...env, PATH: entries.filter((entry) => !entry.includes('node_modules')).join(delimiter) };
}
