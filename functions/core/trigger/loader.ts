import { decode, encode, type InstanceSpec, type RegistrationInfo, storageKeys } from '@faaskeeper/protocol';
import { EVENT_TYPES, type RequestsInvocation } from '../invocations.ts';
import { readWatermark } from '../stored-watermark.ts';
import { Backoff } from './backoff.ts';
import { TRIGGER } from './bounds.ts';
import type { TriggerOutside } from './ports.ts';
import type { Sessions } from './sessions.ts';
import type { SinkLanes } from './sink-lanes.ts';
import type { Sweeper } from './sweeper.ts';

export interface LoaderTargets {
  readonly sessions: Sessions;
  readonly sinks: SinkLanes;
  readonly sweeper: Sweeper;
  /** Everything up to this zxid is visible. */
  readonly watermark: (zxid: number) => void;
  /** The system store holds nothing, and need not. */
  readonly asleep: () => void;
  /** LOG has grown to this sequence. */
  readonly appended: (sequence: number) => void;
}

/**
 * Brings what the trigger must know (sessions, registrations, whether there are containers or TTL nodes, the watermark)
 * from the stores: when the lanes are taken over, and whenever an answer of the writer may have been lost.
 */
export class Loader {
  readonly #outside: TriggerOutside;
  readonly #spec: InstanceSpec;
  readonly #targets: LoaderTargets;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #again = false;

  constructor(outside: TriggerOutside, spec: InstanceSpec, targets: LoaderTargets) {
    this.#outside = outside;
    this.#spec = spec;
    this.#targets = targets;
  }

  /** Loads once more, after the load that is running. */
  request(delayMs = 0): void {
    if (delayMs > 0) {
      const later = this.#outside.clock.sleep(delayMs, this.#stopping.signal);
      later.then(() => this.request()).catch(() => {});
    } else if (this.#running === undefined) {
      this.#running = this.#run();
    } else {
      this.#again = true;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, logger } = this.#outside;
    const { signal } = this.#stopping;
    const backoff = new Backoff(random, TRIGGER.lookUpIntervalMs, TRIGGER.loadRetryMaxMs);
    do {
      this.#again = false;
      let current = false;
      try {
        current = await this.#load();
      } catch (err) {
        logger.warn({ err, attempt: backoff.attempts }, 'the applied state cannot be loaded');
      }
      if (current) backoff.reset();
      else this.#again = true;
      const waitMs = current ? (this.#again ? TRIGGER.reloadIntervalMs : 0) : backoff.next();
      if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => {});
    } while (this.#again && !signal.aborted);
    this.#running = undefined;
  }

  /** True when what was loaded is all that LOG holds. */
  async #load(): Promise<boolean> {
    const { system, log } = this.#outside;
    const { last } = await log.bounds();
    if (!(await this.#reached(last))) await this.#rollForward();
    this.#targets.appended(last);
    const current = await this.#reached(last);
    await this.#targets.sessions.load();
    for await (const page of system.scan('registration', '')) {
      for (const [, value] of page) this.#targets.sinks.open((decode(value, 'registration') as RegistrationInfo).id);
    }
    for await (const page of system.scan('timed', '')) {
      if (page.length === 0) continue;
      this.#targets.sweeper.timed();
      break;
    }
    const stored = await readWatermark(this.#outside, storageKeys(this.#spec.storagePrefix));
    if (stored?.position !== undefined) this.#targets.watermark(stored.position.zxid);
    return current;
  }

  /** The store has applied LOG up to this sequence; a wiped one has not. */
  async #reached(sequence: number): Promise<boolean> {
    const { state, asleep = 0 } = await this.#outside.system.read([]);
    if (state === undefined && asleep >= sequence) {
      this.#targets.asleep();
      return true;
    }
    return state !== undefined && state.applied >= sequence;
  }

  /** A batch without requests makes the writer apply what LOG holds. */
  async #rollForward(): Promise<void> {
    const invocation: RequestsInvocation = { watermark: 0, requests: [] };
    const data = encode(invocation);
    await this.#outside.functions.invoke(EVENT_TYPES.requests, this.#spec.id, data, TRIGGER.invocationTimeoutMs);
  }
}
