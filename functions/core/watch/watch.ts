import { decodeAs, encode, type InstanceSpec, subjects } from '@faaskeeper/protocol';
import { type ChangesAnswer, type ChangesInvocation, type SinkEvent, sinkEventSchema } from '../invocations.ts';
import type { Outside, Sinks } from '../ports.ts';
import { stage } from '../tracing.ts';
import { eventOf } from './event.ts';

/** Every bound of the watch function, with its default; times are ms. */
export const WATCH = {
  /** A sink that has not answered after so long has failed. */
  postTimeoutMs: 5_000,
  /** Attempts for one event within one invocation, and in total before it is a dead letter. */
  attemptsPerCall: 3,
  attempts: 20,
  /** Back-off within an invocation: doubles from the first. */
  firstRetryMs: 100,
  /** How long the lane waits before it sends the rest again: doubles from the first up to the longest. */
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
  /** One invocation delivers for so long, then answers how far it came. */
  callMs: 30_000,
  /** Registrations whose attempts are remembered. */
  remembered: 10_000,
} as const;

type Attempt = 'delivered' | 'refused' | 'failed';

/** Statuses of 4xx that a later attempt may change. */
const RETRIABLE = new Set([408, 429]);

/**
 * Delivers the changes of a registration to its sink, one after the other, so in order of zxid; at least once, because
 * an answer may get lost. What the sink refuses, or fails for too long, becomes a dead letter and the next one follows.
 */
export class WatchDelivery {
  readonly #outside: Outside;
  readonly #spec: InstanceSpec;
  readonly #sinks: Sinks;
  /** Failed attempts for the event that a registration is at. */
  readonly #failures = new Map<string, { sequence: number; attempts: number }>();

  constructor(outside: Outside, spec: InstanceSpec, sinks: Sinks) {
    this.#outside = outside;
    this.#spec = spec;
    this.#sinks = sinks;
  }

  async handle({ registration, events }: ChangesInvocation): Promise<ChangesAnswer> {
    const { clock } = this.#outside;
    const until = clock.now() + WATCH.callMs;
    let done = (events[0]?.sequence ?? 1) - 1;
    for (const { sequence, payload } of events) {
      if (clock.now() >= until) return { sequence: done, retryMs: 0 };
      if (!(await this.#deliver(registration, sequence, payload))) {
        return { sequence: done, retryMs: this.#pause(registration) };
      }
      this.#failures.delete(registration);
      done = sequence;
    }
    return { sequence: done, retryMs: 0 };
  }

  /** False when the event must be tried again later. */
  async #deliver(registration: string, sequence: number, payload: Uint8Array): Promise<boolean> {
    const { clock, random } = this.#outside;
    let change: SinkEvent;
    try {
      change = decodeAs(sinkEventSchema, payload, 'change for a sink');
    } catch (error) {
      await this.#bury(registration, sequence, `not readable: ${messageOf(error)}`, payload);
      return true;
    }
    for (let attempt = 0; ; attempt++) {
      const { outcome, reason } = await this.#attempt(change);
      if (outcome === 'delivered') return true;
      if (outcome === 'refused' || this.#count(registration, sequence) >= WATCH.attempts) {
        await this.#bury(registration, sequence, reason, change);
        return true;
      }
      if (attempt + 1 >= WATCH.attemptsPerCall) return false;
      await clock.sleep(WATCH.firstRetryMs * 2 ** attempt * (0.5 + random.fraction() / 2));
    }
  }

  async #attempt(change: SinkEvent): Promise<{ outcome: Attempt; reason: string }> {
    if (!isHttp(change.sink)) return { outcome: 'refused', reason: 'the sink is not an http or https URL' };
    try {
      const { tracing } = this.#outside;
      const status = await stage(tracing, 'sink', () => {
        const event = eventOf(this.#spec.id, change);
        const traceparent = tracing?.current();
        const traced = traceparent === undefined ? event.extensions : { ...event.extensions, traceparent };
        return this.#sinks.post(change.sink, { ...event, extensions: traced }, WATCH.postTimeoutMs);
      });
      if (status >= 200 && status < 300) return { outcome: 'delivered', reason: '' };
      const refused = status >= 400 && status < 500 && !RETRIABLE.has(status);
      return { outcome: refused ? 'refused' : 'failed', reason: `the sink answered ${status}` };
    } catch (error) {
      return { outcome: 'failed', reason: `the sink did not answer: ${messageOf(error)}` };
    }
  }

  /** Failed attempts for this event, with this one. */
  #count(registration: string, sequence: number): number {
    const known = this.#failures.get(registration);
    const attempts = known?.sequence === sequence ? known.attempts + 1 : 1;
    if (known === undefined && this.#failures.size >= WATCH.remembered) {
      const [oldest] = this.#failures.keys();
      if (oldest !== undefined) this.#failures.delete(oldest);
    }
    this.#failures.set(registration, { sequence, attempts });
    return attempts;
  }

  #pause(registration: string): number {
    const calls = Math.floor((this.#failures.get(registration)?.attempts ?? 0) / WATCH.attemptsPerCall);
    return Math.min(WATCH.longestPauseMs, WATCH.firstPauseMs * 2 ** Math.max(0, calls - 1));
  }

  async #bury(registration: string, sequence: number, reason: string, event: unknown): Promise<void> {
    const { logger, notifications } = this.#outside;
    logger.error({ registration, sequence, reason }, 'a change could not be delivered to its sink');
    const dead = subjects(this.#spec.id).dead('sink');
    await notifications.store(dead, encode({ reason, event }), `${registration}-${sequence}`);
  }
}

function isHttp(sink: string): boolean {
  const url = URL.parse(sink);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
