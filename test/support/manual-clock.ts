import type { Clock, Random } from '../../functions/core/ports.ts';

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** Time that passes only when the test says so. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  /** How many wait for time to pass. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { at: this.#now + ms, wake: () => settle(resolve) };
      const settle = (end: () => void) => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal?.removeEventListener('abort', abort);
        end();
      };
      const abort = () => settle(() => reject(signal?.reason));
      signal?.addEventListener('abort', abort);
      this.#sleepers.push(sleeper);
    });
  }

  /** Lets time pass; whoever sleeps wakes in order, each at its time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (;;) {
      const next = this.#sleepers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await settled();
    }
    this.#now = until;
    await settled();
  }

  /** Time passes, but nobody runs meanwhile: the process stood still. */
  async stall(ms: number): Promise<void> {
    this.#now += ms;
    await this.advance(0);
  }
}

/** Everything that can go on without time passing has gone on. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Jitter without chance. */
export const steadyRandom: Random = { bytes: (count) => new Uint8Array(count), fraction: () => 0.5 };
