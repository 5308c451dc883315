import { readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSameProcess, keptSecret, lockHolder, tryLock, writePrivateFile } from '../servers/index.ts';
import { HomeError } from './errors.ts';
import type { ProcessName } from './names.ts';

export const projectDir = fileURLToPath(new URL('../..', import.meta.url));

/** `$FAASKEEPER_HOME`, else .faaskeeper in the project. */
export function defaultHome(): string {
  return resolve(process.env.FAASKEEPER_HOME || join(projectDir, '.faaskeeper'));
}

export interface ProcessState {
  readonly pid: number;
  readonly stamp: string;
  readonly port: number;
  /** URL without credentials. */
  readonly address: string;
}

/** What `state.json` says while a FaaSKeeper runs. */
export interface HomeState {
  readonly pid: number;
  readonly stamp: string;
  readonly startedAt: string;
  readonly ready: boolean;
  readonly instance: string;
  readonly processes: Partial<Record<ProcessName, ProcessState>>;
}

/** What is decided once for a home. */
export interface HomeIdentity {
  /** The opaque id of its instance. */
  readonly instance: string;
  /** The kind of S3 server that holds its data, or the endpoint of a given one. */
  readonly store: string;
  /** Type of its user storage; default S3. */
  readonly storage?: 'S3' | 'Hybrid';
}

/** The data directory of one local FaaSKeeper, held by one process at a time. */
export class Home {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Takes the home for this process; throws HomeError RUNNING if another one has it. */
  static async open(path: string): Promise<Home> {
    const home = new Home(resolve(path));
    await mkdir(home.path, { recursive: true, mode: 0o700 });
    const lock = home.in('lock');
    while (!(await tryLock(lock))) {
      const pid = await lockHolder(lock);
      if (pid === undefined) continue;
      const message = `A FaaSKeeper is running on ${home.path} already (process ${pid}). Stop it, or choose another directory with --home.`;
      throw new HomeError('RUNNING', message);
    }
    return home;
  }

  in(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** The identity of this home, `fresh` if it has none yet. */
  async identity(fresh: () => Promise<HomeIdentity>): Promise<HomeIdentity> {
    const text = await keptSecret(this.in('identity.json'), () => '');
    if (text !== '') return JSON.parse(text) as HomeIdentity;
    const identity = await fresh();
    await this.#replace('identity.json', identity);
    return identity;
  }

  async writeState(state: HomeState): Promise<void> {
    await this.#replace('state.json', state);
  }

  /** Ends processes that a former FaaSKeeper on this home left behind (it was killed, and they are slow to follow). */
  async endLeftovers(timeoutMs = 10_000): Promise<void> {
    const state = readState(this.path);
    const left = () =>
      Object.values(state?.processes ?? {}).filter(({ pid, stamp }) => stamp !== '' && isSameProcess(pid, stamp));
    for (const { pid } of left()) process.kill(pid, 'SIGTERM');
    const deadline = performance.now() + timeoutMs;
    while (left().length > 0 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 50));
    for (const { pid } of left()) process.kill(pid, 'SIGKILL');
  }

  async close(): Promise<void> {
    await rm(this.in('state.json'), { force: true });
    await rm(this.in('lock'), { force: true });
  }

  async #replace(name: string, content: unknown): Promise<void> {
    const next = this.in(`${name}.new`);
    await writePrivateFile(next, `${JSON.stringify(content, null, 2)}\n`);
    await rename(next, this.in(name));
  }
}

/** The state of the FaaSKeeper that has this home, if there is one. */
export function readState(home: string): HomeState | undefined {
  try {
    return JSON.parse(readFileSync(join(home, 'state.json'), 'utf8')) as HomeState;
  } catch {
    return undefined;
  }
}
