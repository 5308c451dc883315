import type { Clock, Random, Timer } from '@faaskeeper/client';

/** Time that passes only when the test says so; timers and `soon` run inside `advance`. */
export class TestClock implements Clock {
  #now = 1_000;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  timer(ms: number, run: () => void): Timer {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  soon(run: () => void): void {
    this.timer(0, run);
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.run();
    }
    this.#now = until;
  }
}

/** Jitter without chance: factors of 0.75 + fraction / 2 are 1. */
export const steady: Random = { bytes: (count) => new Uint8Array(count), fraction: () => 0.5 };
