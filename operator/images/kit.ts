import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

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
