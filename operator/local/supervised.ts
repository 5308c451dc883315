import { setTimeout as delay } from 'node:timers/promises';
import type { ManagedProcess, ProcessExit } from '../servers/index.ts';

const firstDelayMs = 250;
const longestDelayMs = 10_000;
/** A process that ran so long is taken to be well: its next crash starts with the shortest delay again. */
const wellAfterMs = 30_000;

/** A process of a local FaaSKeeper, as tests and tools handle it. */
export interface LocalProcess {
  readonly name: string;
  readonly pid: number | undefined;
  readonly port: number;
  /** URL without credentials. */
  readonly address: string;
  readonly logFile: string;
  /** Sends a signal; a process that ends of it is started again after a moment, as after any crash. */
  kill(signal?: NodeJS.Signals): void;
  /** Ends and starts it now; resolves when it answers. */
  restart(): Promise<void>;
}

export interface SupervisionOptions {
  readonly name: string;
  readonly address: string;
  readonly onEvent: (line: string) => void;
  /** Called when the process got another pid. */
  readonly onChange: () => void;
}

/** Starts a crashed process again, with growing delays, and says so. */
export class Supervised implements LocalProcess {
  readonly name: string;
  readonly address: string;
  readonly #process: ManagedProcess;
  readonly #options: SupervisionOptions;
  readonly #stopped = new AbortController();
  #work: Promise<unknown> = Promise.resolve();
  #delayMs = firstDelayMs;
  #startedAt = performance.now();
  #reviving = false;

  constructor(process: ManagedProcess, options: SupervisionOptions) {
    this.name = options.name;
    this.address = options.address;
    this.#process = process;
    this.#options = options;
    process.onUnexpectedExit = (exit) => {
      // A start that fails ends a process as well: then somebody waits for it already.
      if (this.#reviving || this.#stopped.signal.aborted) return;
      this.#reviving = true;
      void this.#revive(exit).finally(() => {
        this.#reviving = false;
      });
    };
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get port(): number {
    return this.#process.spec.port;
  }

  get logFile(): string {
    return this.#process.logFile;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#process.kill(signal);
  }

  restart(): Promise<void> {
    return this.#enqueue(() => this.#process.restart(this.#stopped.signal));
  }

  /** Stops for good. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#work.catch(() => undefined);
    await this.#process.stop();
  }

  async #revive(exit: ProcessExit): Promise<void> {
    if (performance.now() - this.#startedAt > wellAfterMs) this.#delayMs = firstDelayMs;
    let reason = `ended (${exit.signal ?? `exit code ${exit.code}`})`;
    while (!this.#stopped.signal.aborted && !this.#process.running) {
      this.#options.onEvent(`${this.name} ${reason}; starting it again in ${this.#delayMs / 1000} s`);
      const pause = this.#delayMs;
      this.#delayMs = Math.min(this.#delayMs * 2, longestDelayMs);
      try {
        await delay(pause, undefined, { signal: this.#stopped.signal });
        await this.#enqueue(() => this.#process.start(this.#stopped.signal));
      } catch (error) {
        reason = `could not be started: ${error instanceof Error ? error.message : error}`;
      }
    }
    if (this.#process.running) this.#options.onEvent(`${this.name} is back (process ${this.pid})`);
  }

  /** One start or restart at a time. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#work
      .catch(() => undefined)
      .then(async () => {
        if (this.#stopped.signal.aborted) return;
        this.#startedAt = performance.now();
        await work();
        this.#options.onChange();
      });
    this.#work = done;
    return done;
  }
}
