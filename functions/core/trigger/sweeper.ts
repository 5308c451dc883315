import { decodeAs, encode, type InstanceSpec } from '@faaskeeper/protocol';
import { EVENT_TYPES, type SweepInvocation, sweepAnswerSchema } from '../invocations.ts';
import { TRIGGER } from './bounds.ts';
import type { TriggerOutside } from './ports.ts';
import type { Sessions } from './sessions.ts';

/**
 * When the heartbeat function is asked to clean up: every `containerCheckInterval` while there are containers or TTL
 * nodes, and when ended sessions are to be forgotten. Otherwise never.
 */
export class Sweeper {
  readonly #outside: TriggerOutside;
  readonly #spec: InstanceSpec;
  readonly #sessions: Pick<Sessions, 'hasForgettable' | 'forgettable'>;
  /** When the next sweep is due (ms); undefined while there is nothing to look at. */
  #nextAt: number | undefined;
  /** News of timed nodes while a sweep was running: its answer does not count them. */
  #news = 0;
  #running = false;

  constructor(outside: TriggerOutside, spec: InstanceSpec, sessions: Pick<Sessions, 'hasForgettable' | 'forgettable'>) {
    this.#outside = outside;
    this.#spec = spec;
    this.#sessions = sessions;
  }

  get active(): boolean {
    return this.#nextAt !== undefined;
  }

  /** There are containers or TTL nodes. */
  timed(): void {
    this.#news++;
    this.#nextAt ??= this.#outside.clock.now() + this.#spec.containerCheckInterval;
  }

  stop(): void {
    this.#nextAt = undefined;
  }

  tick(): void {
    if (this.#running) return;
    const due = this.#nextAt !== undefined && this.#nextAt <= this.#outside.clock.now();
    if (due || this.#sessions.hasForgettable()) void this.#sweep(due);
  }

  /** `timed`: it is time to look at containers and TTL nodes, too. */
  async #sweep(timed: boolean): Promise<void> {
    const { functions, clock, logger } = this.#outside;
    this.#running = true;
    const news = this.#news;
    let left: number | undefined;
    try {
      const invocation: SweepInvocation = { forget: await this.#sessions.forgettable(TRIGGER.forgetPerCall), timed };
      if (!timed && invocation.forget.length === 0) return;
      const data = encode(invocation);
      const body = await functions.invoke(EVENT_TYPES.sweep, this.#spec.id, data, TRIGGER.invocationTimeoutMs);
      left = decodeAs(sweepAnswerSchema, body, 'answer of the heartbeat function').timed;
    } catch (err) {
      logger.warn({ err }, 'a sweep failed');
    } finally {
      this.#running = false;
      if (timed) {
        const over = this.#nextAt === undefined || (left === 0 && news === this.#news);
        this.#nextAt = over ? undefined : clock.now() + this.#spec.containerCheckInterval;
      }
    }
  }
}
