import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ServerError } from './errors.ts';
import { claimPort } from './ports.ts';
import { waitFor, within } from './wait.ts';

export interface ProcessSpec {
  /** For messages: "NATS", "writer". */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly host: string;
  /** The port it will listen on; checked before each start. */
  readonly port: number;
  readonly portFlag?: string | undefined;
  /** Standard output and error go here. */
  readonly logFile: string;
  /** Throws until the process answers. */
  readonly ready: () => Promise<unknown>;
  readonly readyTimeoutMs?: number;
  /** How long a SIGTERM may take before SIGKILL follows. */
  readonly stopTimeoutMs?: number;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const rotateAtBytes = 10 * 1024 * 1024;
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGTERM');
});

/** `setpriv` (util-linux) makes the kernel end a child with its parent, even when the parent is killed with -9. */
const setpriv = findSetpriv();
function findSetpriv(): string | undefined {
  try {
    execFileSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' });
    return 'setpriv';
  } catch {
    return undefined;
  }
}

/**
 * One server or function as a child process: started, checked to be ready, killed, restarted, stopped.
 * It gets no Ctrl-C of the terminal (so that its owner decides the order in which things stop) and ends with its owner.
 */
export class ManagedProcess {
  readonly spec: ProcessSpec;
  #child: ChildProcess | undefined;
  #onExit: ((exit: ProcessExit) => void) | undefined;
  #stopping = false;

  constructor(spec: ProcessSpec) {
    this.spec = spec;
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get logFile(): string {
    return this.spec.logFile;
  }

  /** Called when the process ends without having been asked to by stop() or restart(). */
  set onUnexpectedExit(listener: ((exit: ProcessExit) => void) | undefined) {
    this.#onExit = listener;
  }

  /** Starts the process and resolves when it answers. */
  async start(signal?: AbortSignal): Promise<void> {
    const { title, host, port, portFlag, readyTimeoutMs = 30_000 } = this.spec;
    if (this.running) return;
    signal?.throwIfAborted();
    await claimPort({ title, host, port, flag: portFlag });
    await this.#spawn();
    try {
      await waitFor(
        async () => {
          if (!this.running) return;
          await this.spec.ready();
        },
        { timeoutMs: readyTimeoutMs, signal },
      );
    } catch (cause) {
      await this.stop();
      if (signal?.aborted) throw cause;
      throw new ServerError('NOT_READY', `${title} did not answer in ${readyTimeoutMs / 1000} s. ${this.#tail()}`, {
        cause,
      });
    }
    if (!this.running) throw new ServerError('START_FAILED', `${title} ended while starting. ${this.#tail()}`);
  }

  /** Sends a signal and lets what happens happen (tests kill processes with this). */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child?.kill(signal);
  }

  /** SIGTERM, then SIGKILL after `stopTimeoutMs`; resolves when the process is gone. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#stopping = true;
    if (child === undefined || !this.running) return;
    const gone = once(child, 'exit').then(() => true);
    child.kill('SIGTERM');
    if ((await within(gone, this.spec.stopTimeoutMs ?? 10_000)) === undefined) {
      child.kill('SIGKILL');
      await gone;
    }
  }

  /** Stops the process if it runs, then starts it again with the same settings. */
  async restart(signal?: AbortSignal): Promise<void> {
    await this.stop();
    await this.start(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #spawn(): Promise<void> {
    const { title, command, args, env, logFile } = this.spec;
    await mkdir(dirname(logFile), { recursive: true });
    rotate(logFile);
    const log = openSync(logFile, 'a', 0o600);
    this.#stopping = false;
    const [program, ...rest] = setpriv ? [setpriv, '--pdeathsig', 'TERM', command, ...args] : [command, ...args];
    const child = spawn(program as string, rest, {
      stdio: ['ignore', log, log],
      detached: setpriv !== undefined,
      env: { ...process.env, ...env },
    });
    closeSync(log);
    this.#child = child;
    children.add(child);
    child.once('exit', (code, signal) => {
      children.delete(child);
      if (!this.#stopping && this.#child === child) this.#onExit?.({ code, signal });
    });
    try {
      await once(child, 'spawn');
    } catch (cause) {
      children.delete(child);
      this.#child = undefined;
      throw new ServerError('START_FAILED', `${title} could not be started (${command}).`, { cause });
    }
  }

  #tail(): string {
    const lines = readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-10).join('\n  ');
    return `The end of ${this.logFile}:\n  ${lines}`;
  }
}

/** Keeps one older log file, so that logs never grow without bound over many starts. */
function rotate(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > rotateAtBytes) renameSync(logFile, `${logFile}.1`);
}
