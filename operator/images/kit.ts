import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

const projectDir = resolve(import.meta.dirname, '../..');

/** The scripts that boot a Kubernetes on this machine: $FAASKEEPER_CLUSTER_KIT, or `shared/cluster` beside the checkout. */
export function clusterKit(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const directory = resolve(env.FAASKEEPER_CLUSTER_KIT || join(projectDir, '../shared/cluster'));
  return existsSync(join(directory, 'up')) ? directory : undefined;
}

/** Where the kit keeps the programs that it built, helm and kubectl among them. */
export function kitPrograms(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.FK_CACHE || join(homedir(), '.cache/faaskeeper-cluster'), 'bin');
}

/** The environment without what npm puts on PATH: the kit packs the Node of this machine. */
export function kitEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const entries = (env.PATH ?? '').split(delimiter);
  return { ...env, PATH: entries.filter((entry) => !entry.includes('node_modules')).join(delimiter) };
}
