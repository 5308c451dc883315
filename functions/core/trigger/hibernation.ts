import { decodeAs, encode } from '@faaskeeper/protocol';
import { type CheckpointInvocation, checkpointAnswerSchema, EVENT_TYPES } from '../invocations.ts';
import { TRIGGER } from './bounds.ts';
import type { TriggerOutside } from './ports.ts';

/**
 * An instance that nobody has used for long keeps nothing in the system store: after a checkpoint its applied state is
 * dropped, and rebuilt at the next request. Not while something must be known of it without a request: sessions,
 * registrations, containers and TTL nodes.
 */
export class Hibernation {
  readonly #outside: TriggerOutside;
  readonly #instance: string;
  readonly #afterMs: number;
  /** When it was last used or looked at, ms; undefined: it hibernates. */
  #since: number | undefined;
  #running = false;

  constructor(outside: TriggerOutside, instance: string) {
    this.#outside = outside;
    this.#instance = instance;
    this.#afterMs = outside.hibernateAfterMs ?? TRIGGER.hibernateAfterMs;
    this.#since = outside.clock.now();
  }

  used(): void {
    this.#since = this.#outside.clock.now();
  }

  /** The store was found empty, on purpose or because nothing ever happened. */
  asleep(): void {
    this.#since = undefined;
  }

  /** `isIdle`: nothing speaks against it. */
  tick(isIdle: () => boolean): void {
    if (this.#since === undefined || this.#running || this.#afterMs === 0) return;
    if (this.#outside.clock.now() - this.#since < this.#afterMs) return;
    if (isIdle()) void this.#hibernate(this.#since);
    else this.used();
  }

  async #hibernate(since: number): Promise<void> {
    const { functions, logger } = this.#outside;
    this.#running = true;
    let done: boolean | undefined;
    try {
      const invocation: CheckpointInvocation = { hibernate: true };
      const data = encode(invocation);
      const body = await functions.invoke(EVENT_TYPES.checkpoint, this.#instance, data, TRIGGER.checkpointTimeoutMs);
      done = decodeAs(checkpointAnswerSchema, body, 'answer of the distributor').hibernates;
      if (done) logger.info({}, 'the instance hibernates: a checkpoint has its state, the system store nothing');
    } catch (err) {
      logger.warn({ err }, 'an idle instance cannot hibernate');
    } finally {
      this.#running = false;
    }
    if (this.#since !== since) return;
    if (done) this.asleep();
    else this.used();
  }
}
