import type { Random } from '../ports.ts';
import { TRIGGER } from './bounds.ts';

/** Jittered exponential back-off. */
export class Backoff {
  readonly #random: Random;
  readonly #firstMs: number;
  readonly #maxMs: number;
  #attempts = 0;

  constructor(random: Random, firstMs: number = TRIGGER.retryFirstMs, maxMs: number = TRIGGER.retryMaxMs) {
    this.#random = random;
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** ms to wait before the next attempt: between half and all of a doubling interval. */
  next(): number {
    const interval = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#attempts);
    this.#attempts++;
    return interval * (0.5 + this.#random.fraction() / 2);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
