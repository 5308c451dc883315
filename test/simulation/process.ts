import type { Clock, Logger, Random } from '../../functions/core/ports.ts';
import type { Chance } from './random.ts';
import type { Planned, Scheduler } from './scheduler.ts';

/** Where the time of day of processes starts, ms. */
const EPOCH = 1_700_000_000_000;

/**
 * One process of the world. What reaches it (answers, messages, timers) goes through `deliver`: a dead process gets
 * nothing any more, which is a crash at the await it was in; a paused one gets it all when it goes on, a slow zombie.
 */
export class SimProcess {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  alive = true;
  /** How wrong its time of day is, ms. */
  clockOffset = 0;
  #paused = false;
  #inbox: { label: string; run: () => void }[] = [];
  readonly #onDeath: (() => void)[] = [];

  constructor(scheduler: Scheduler, name: string) {
    this.scheduler = scheduler;
    this.name = name;
    this.chance = scheduler.chance.fork(name);
  }

  get paused(): boolean {
    return this.#paused;
  }

  onDeath(run: () => void): void {
    this.#onDeath.push(run);
  }

  /** Something arrives at `time`. */
  deliver(time: number, label: string, run: () => void): Planned {
    let cancelled = false;
    const planned = this.scheduler.at(time, label, () => {
      if (!this.alive || cancelled) return;
      if (this.#paused) this.#inbox.push({ label, run: () => !cancelled && run() });
      else run();
    });
    return {
      cancel: () => {
        cancelled = true;
        planned.cancel();
      },
    };
  }

  after(delay: number, label: string, run: () => void): Planned {
    return this.deliver(this.scheduler.now + Math.max(0, delay), label, run);
  }

  crash(): void {
    if (!this.alive) return;
    this.note('crashes');
    this.alive = false;
    this.#inbox = [];
    for (const run of this.#onDeath.splice(0)) run();
  }

  pause(ms: number): void {
    if (!this.alive || this.#paused) return;
    this.note(`stands still for ${ms.toFixed(0)} ms`);
    this.#paused = true;
    this.scheduler.after(ms, 'resume', () => {
      if (!this.alive) return;
      this.note('goes on');
      this.#paused = false;
      // One after the other, in the order of their arrival, and before what arrives from now on.
      for (const { label, run } of this.#inbox.splice(0)) this.deliver(this.scheduler.now, label, run);
    });
  }

  note(what: string): void {
    this.scheduler.note(this.name, what);
  }

  readonly random: Random = {
    bytes: (count) => this.chance.bytes(count),
    fraction: () => this.chance.fraction(),
  };

  /** Never jumps. */
  get monotonic(): Clock {
    return { now: () => this.scheduler.now, sleep: (ms, signal) => this.sleep(ms, signal) };
  }

  /** The time of day. */
  get clock(): Clock {
    return {
      now: () => Math.floor(EPOCH + this.scheduler.now + this.clockOffset),
      sleep: (ms, signal) => this.sleep(ms, signal),
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const onAbort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(ms, 'timer', () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  get logger(): Logger {
    const write = (level: string) => (fields: object, message: string) =>
      this.note(`${level} ${message} ${brief(fields)}`);
    return { debug: () => undefined, info: write('info'), warn: write('WARN'), error: write('ERROR') };
  }
}

function brief(fields: object): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (value instanceof Error) parts.push(`${key}=${value.name}: ${value.message}`);
    else if (typeof value === 'object') parts.push(`${key}=${JSON.stringify(value)?.slice(0, 120)}`);
    else parts.push(`${key}=${String(value)}`);
  }
  return parts.join(' ');
}
