import type { InstanceSpec } from '@faaskeeper/protocol';
import { HOST } from './bounds.ts';
import { ProblemError } from './problems.ts';

interface Entry<Core> {
  readonly spec: InstanceSpec;
  readonly core: Core;
  lastUsed: number;
  inFlight: number;
  dropped: boolean;
}

export interface InstancesOptions<Core> {
  /** The declared spec, undefined for an unknown instance; asked for each event, so it should know. */
  readonly lookUp: (id: string) => Promise<InstanceSpec | undefined>;
  readonly create: (spec: InstanceSpec) => Core;
  /** Told about a core that could not be closed. */
  readonly onCloseError: (id: string, error: unknown) => void;
  /** ms; need not be the time of day. */
  readonly now: () => number;
}

/**
 * The core objects of a process, one an instance: made by its first event, shared by concurrent ones, replaced when its
 * spec changes, closed when the instance is gone or was not used for long.
 */
export class Instances<Core> {
  readonly #options: InstancesOptions<Core>;
  readonly #entries = new Map<string, Entry<Core>>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: InstancesOptions<Core>) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws ProblemError unknown-instance. */
  async use<Result>(id: string, work: (core: Core) => Promise<Result>): Promise<Result> {
    const spec = await this.#options.lookUp(id);
    if (spec === undefined) {
      this.remove(id);
      throw new ProblemError('unknown-instance', `There is no instance ${JSON.stringify(id)}`);
    }
    const entry = this.#entryFor(spec);
    entry.inFlight++;
    try {
      return await work(entry.core);
    } finally {
      entry.inFlight--;
      entry.lastUsed = this.#options.now();
      if (entry.dropped && entry.inFlight === 0) this.#close(id, entry);
    }
  }

  /** The instance is gone: what is in flight ends, then its core is closed. */
  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#drop(id, entry);
  }

  async close(): Promise<void> {
    for (const [id, entry] of this.#entries) this.#drop(id, entry);
    await Promise.all(this.#closing);
  }

  #entryFor(spec: InstanceSpec): Entry<Core> {
    const { id } = spec;
    const known = this.#entries.get(id);
    if (known !== undefined) {
      if (known.spec === spec || JSON.stringify(known.spec) === JSON.stringify(spec)) return known;
      this.#drop(id, known);
    }
    this.#dropUnused();
    const core = this.#options.create(spec);
    const entry = { spec, core, lastUsed: this.#options.now(), inFlight: 0, dropped: false };
    this.#entries.set(id, entry);
    return entry;
  }

  #dropUnused(): void {
    const before = this.#options.now() - HOST.idleCoreMs;
    for (const [id, entry] of this.#entries) {
      if (entry.inFlight === 0 && entry.lastUsed < before) this.#drop(id, entry);
    }
  }

  #drop(id: string, entry: Entry<Core>): void {
    this.#entries.delete(id);
    entry.dropped = true;
    if (entry.inFlight === 0) this.#close(id, entry);
  }

  #close(id: string, { core }: Entry<Core>): void {
    const closing = closeCore(core)
      .catch((error: unknown) => this.#options.onCloseError(id, error))
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

async function closeCore(core: unknown): Promise<void> {
  const close = (core as { close?: () => Promise<void> }).close;
  if (typeof close === 'function') await close.call(core);
}
