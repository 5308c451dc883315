import { execFile } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Over the last minute. */
  readonly load: number;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    load: loadavg()[0] ?? Number.NaN,
  };
}

/** The first version number that a program prints about itself. */
export async function versionOf(program: string, args: readonly string[] = ['--version']): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [...args]);
    return /\d+\.\d+[\w.+-]*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
