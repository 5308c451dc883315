import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { kitPrograms } from '../images/kit.ts';

/** The kubectl program: $FAASKEEPER_KUBECTL, on PATH, or that of the cluster kit. */
export function findKubectl(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.FAASKEEPER_KUBECTL) return env.FAASKEEPER_KUBECTL;
  const directories = [...(env.PATH ?? '').split(delimiter).filter((entry) => entry !== ''), kitPrograms(env)];
  return directories.map((directory) => join(directory, 'kubectl')).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
