import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from '../errors.ts';

const pollMs = 500;

/** True while a process with this id exists. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

/** When a process began, in the kernel's words; tells it from a later one with the same id. '' where unknown. */
export function processStamp(pid: number): string {
  try {
    // The name, in parentheses, may contain spaces; the start time is the 22nd field of all, the 20th behind it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** True while the process that had this stamp exists. */
export function isSameProcess(pid: number, stamp: string): boolean {
  return isAlive(pid) && (stamp === '' || processStamp(pid) === stamp);
}

interface Holder {
  readonly pid: number;
  readonly stamp: string;
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const [pid = '', stamp = ''] = text.trim().split(' ');
  return { pid: Number.parseInt(pid, 10), stamp };
}

/** Creates `path` holding our process id, atomically with its content; false if it exists. */
export async function tryLock(path: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  const own = `${path}.${process.pid}.${randomUUID()}`;
  await writeFile(own, `${process.pid} ${processStamp(process.pid)}\n`);
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/** Removes the lock of a dead process. Only one of several that try moves the file away. */
async function breakStale(path: string, dead: Holder): Promise<void> {
  const aside = `${path}.stale.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const moved = await readHolder(aside);
  if (moved?.pid !== dead.pid || moved.stamp !== dead.stamp) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** The holder's process id if a live process holds the lock; a dead holder's lock is removed. */
export async function lockHolder(path: string): Promise<number | undefined> {
  const holder = await readHolder(path);
  if (holder === undefined) return undefined;
  if (isSameProcess(holder.pid, holder.stamp)) return holder.pid;
  await breakStale(path, holder);
  return undefined;
}

/** Runs `work` while holding the lock file; waits for whoever holds it now. */
export async function withLock<T>(
  path: string,
  options: { readonly onWait?: (pid: number) => void; readonly signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  let told = false;
  while (!(await tryLock(path))) {
    const holder = await lockHolder(path);
    if (holder === undefined) continue;
    if (!told) options.onWait?.(holder);
    told = true;
    await delay(pollMs, undefined, { signal: options.signal });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
