import { encode } from '@faaskeeper/protocol';
import { EVENT_TYPES } from '../invocations.ts';
import { Backoff } from './backoff.ts';
import { TRIGGER } from './bounds.ts';
import type { TriggerOutside } from './ports.ts';

/** Asks for checkpoints beside the lanes, one at a time. */
export class Checkpointer {
  readonly #outside: TriggerOutside;
  readonly #instance: string;
  readonly #stopping = new AbortController();
  #running = false;

  constructor(outside: TriggerOutside, instance: string) {
    this.#outside = outside;
    this.#instance = instance;
  }

  due(): void {
    if (!this.#running && !this.#stopping.signal.aborted) void this.#checkpoint();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #checkpoint(): Promise<void> {
    const { functions, clock, random, logger } = this.#outside;
    const { signal } = this.#stopping;
    const backoff = new Backoff(random, TRIGGER.checkpointRetryMs, TRIGGER.loadRetryMaxMs);
    this.#running = true;
    while (!signal.aborted) {
      try {
        await functions.invoke(EVENT_TYPES.checkpoint, this.#instance, encode({}), TRIGGER.checkpointTimeoutMs);
        break;
      } catch (err) {
        logger.warn({ err, attempt: backoff.attempts }, 'a checkpoint failed and is asked for again');
        await clock.sleep(backoff.next(), signal).catch(() => {});
      }
    }
    this.#running = false;
  }
}
