import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../ports.ts';

/** The machine's clock. */
export const systemClock: Clock = {
  // Monotonic: a session must not expire because somebody set the time.
  now: () => performance.now(),
  timer(ms, run) {
    const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (run) => void setImmediate(run),
};

export const systemRandom: Random = {
  bytes: (count) => new Uint8Array(randomBytes(count)),
  fraction: () => Math.random(),
};
