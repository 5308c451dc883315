import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
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

/** Memory of a process as Linux counts it. */
export async function residentBytes(pid: number): Promise<number> {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`The memory of process ${pid} is not known`);
  return Number(kib) * 1024;
}

/** Memory of these processes together. */
export async function residentBytesOf(pids: readonly (number | undefined)[]): Promise<number> {
  const known = pids.filter((pid) => pid !== undefined);
  return (await Promise.all(known.map(residentBytes))).reduce((sum, bytes) => sum + bytes, 0);
}

/** CPU time of these processes so far, ms; Linux counts hundredths of a second. */
export async function cpuMsOf(pids: readonly (number | undefined)[]): Promise<number> {
  const times = pids.map(async (pid) => {
    if (pid === undefined) return 0;
    // The name before the last bracket may hold anything.
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  });
  return (await Promise.all(times)).reduce((sum, time) => sum + time, 0);
}
