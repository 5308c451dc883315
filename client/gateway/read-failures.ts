import type { Logger } from 'pino';
import type { Clock } from '../ports.ts';
import { BOUNDS } from './bounds.ts';

/** Counts the reads of an instance's user storage that failed and are repeated, and says so in the log now and then. */
export class ReadFailures {
  count = 0;
  readonly #instance: string;
  readonly #clock: Clock;
  readonly #logger: Pick<Logger, 'warn'>;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(instance: string, clock: Clock, logger: Pick<Logger, 'warn'>) {
    this.#instance = instance;
    this.#clock = clock;
    this.#logger = logger;
  }

  readonly note = (path: string, error: unknown): void => {
    this.count++;
    const now = this.#clock.now();
    if (now - this.#toldAt < BOUNDS.failureLog) return;
    this.#toldAt = now;
    const facts = { instance: this.#instance, path, reason: String(error), failures: this.count };
    this.#logger.warn(facts, 'a node cannot be read; trying on');
  };
}
