import { execFileSync } from 'node:child_process';

/** True if the program runs here: for tests that need more than this project installs. */
export function has(program: string, versionFlag = '--version'): boolean {
  try {
    execFileSync(program, [versionFlag], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
