import type { InstanceSpec } from '@faaskeeper/protocol';
import type { Clock, Logger } from '../ports.ts';
import { TRIGGER } from './bounds.ts';
import { InstanceTrigger } from './instance.ts';
import type { TriggerOutside } from './ports.ts';

export interface TriggerOptions {
  /** Monotonic: the time of day may jump. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names this trigger among its replicas. */
  readonly holder: string;
  readonly outside: (spec: InstanceSpec) => TriggerOutside;
}

interface Entry {
  /** undefined: removed. */
  wanted: InstanceSpec | undefined;
  running: { readonly instance: InstanceTrigger; readonly specText: string } | undefined;
  changing: Promise<void> | undefined;
}

/** All instances that a trigger serves. */
export class Trigger {
  readonly #options: TriggerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #stopping = new AbortController();
  #ticking: Promise<void> | undefined;
  #connected = true;

  constructor(options: TriggerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#ticking ??= this.#tick();
  }

  /** An instance was declared, or changed. */
  declare(spec: InstanceSpec): void {
    this.#want(spec.id, spec);
  }

  remove(id: string): void {
    this.#want(id, undefined);
  }

  /** The connection to NATS broke, or is back: without it nobody can be heard. */
  connection(connected: boolean): void {
    this.#connected = connected;
    if (connected) this.#grace('the connection was broken');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ticking;
    for (const id of this.#entries.keys()) this.#want(id, undefined);
    await Promise.all([...this.#entries.values()].map(({ changing }) => changing));
  }

  #want(id: string, spec: InstanceSpec | undefined): void {
    if (spec !== undefined && this.#stopping.signal.aborted) return;
    const entry: Entry = this.#entries.get(id) ?? { wanted: undefined, running: undefined, changing: undefined };
    this.#entries.set(id, entry);
    entry.wanted = spec;
    entry.changing ??= this.#change(id, entry);
  }

  /** Brings an instance to what is wanted, however often that changes meanwhile. */
  async #change(id: string, entry: Entry): Promise<void> {
    // Not before the caller has noted that this runs.
    await Promise.resolve();
    for (;;) {
      const { wanted, running } = entry;
      const specText = wanted === undefined ? undefined : JSON.stringify(wanted);
      if (specText === running?.specText) break;
      if (running !== undefined) {
        await running.instance.stop();
        entry.running = undefined;
      } else if (wanted !== undefined && specText !== undefined) {
        const instance = new InstanceTrigger(this.#options.outside(wanted), wanted, this.#options.holder);
        instance.start();
        entry.running = { instance, specText };
      }
    }
    entry.changing = undefined;
    if (entry.wanted === undefined) this.#entries.delete(id);
  }

  async #tick(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    let last = clock.now();
    while (!signal.aborted) {
      await clock.sleep(TRIGGER.tickMs, signal).catch(() => {});
      const now = clock.now();
      if (now - last > TRIGGER.tickMs + TRIGGER.stallMs) this.#grace('the process stood still');
      last = now;
      if (!this.#connected || signal.aborted) continue;
      for (const { running } of this.#entries.values()) running?.instance.tick();
    }
  }

  #grace(reason: string): void {
    this.#options.logger.warn({ reason }, 'sessions are not suspected for time in which they could not be heard');
    for (const { running } of this.#entries.values()) running?.instance.grace();
  }
}
