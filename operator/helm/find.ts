import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { kitPrograms } from '../images/kit.ts';

/** The helm program: $FAASKEEPER_HELM, on PATH, or that of the cluster kit. */
export function findHelm(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.FAASKEEPER_HELM) return env.FAASKEEPER_HELM;
  const directories = [...(env.PATH ?? '').split(delimiter).filter((entry) => entry !== ''), kitPrograms(env)];
  return directories.map((directory) => join(directory, 'helm')).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
