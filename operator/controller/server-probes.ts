import type { ServerReport } from '../probes/index.ts';
import type { Probes } from '../reconcilers/index.ts';
import { pause } from './backoff.ts';

/** ms between looks: while all is well, and while something is wrong. */
const EVERY = { wellMs: 60_000, badMs: 5_000 } as const;

/** Looks at the servers from time to time, and tells when what was found is different. */
export class ServerProbes implements Probes {
  readonly #probe: () => Promise<readonly ServerReport[]>;
  readonly #changed: () => void;
  readonly #first = Promise.withResolvers<void>();
  #reports: readonly ServerReport[] | undefined;

  constructor(probe: () => Promise<readonly ServerReport[]>, changed: () => void) {
    this.#probe = probe;
    this.#changed = changed;
  }

  reports(): readonly ServerReport[] | undefined {
    return this.#reports;
  }

  /** Resolves when the servers have been looked at once: a new leader must not call anything into question before. */
  get looked(): Promise<void> {
    return this.#first.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const reports = await this.#probe();
      const isNew = JSON.stringify(reports) !== JSON.stringify(this.#reports);
      this.#reports = reports;
      this.#first.resolve();
      if (isNew && !signal.aborted) this.#changed();
      await pause(reports.every(({ ok }) => ok) ? EVERY.wellMs : EVERY.badMs, signal);
    }
  }
}
