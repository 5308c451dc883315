import type { Outside } from '../ports.ts';

/** How long a lease holds without being extended, ms. */
const LEASE_MS = 10_000;
/** How long a newcomer waits for a holder that may be gone, ms. */
const PATIENCE_MS = 500;

/**
 * The lane's lease, a timed lock. It keeps two writers from undoing each other's work for long; it protects nothing:
 * the log does (invariant 1). So a newcomer waits a little and goes on without it.
 */
export class Lease {
  readonly #outside: Outside;
  readonly #name: string;
  readonly #holder: string;
  #extendAt = 0;

  constructor(outside: Outside, name: string, holder: string) {
    this.#outside = outside;
    this.#name = name;
    this.#holder = holder;
  }

  async acquire(): Promise<void> {
    const { clock, logger, system } = this.#outside;
    const until = clock.now() + PATIENCE_MS;
    for (;;) {
      const token = await system.lock(this.#name, this.#holder, LEASE_MS);
      this.#extendAt = clock.now() + LEASE_MS / 2;
      if (token !== undefined) return;
      if (clock.now() >= until) {
        logger.warn({ lease: this.#name }, 'another process holds the lease; going on');
        return;
      }
      await clock.sleep(PATIENCE_MS / 5);
    }
  }

  /** Costs nothing on most batches, and never a wait. */
  keep(): void {
    const { clock, logger, system } = this.#outside;
    if (clock.now() < this.#extendAt) return;
    this.#extendAt = clock.now() + LEASE_MS / 2;
    system.lock(this.#name, this.#holder, LEASE_MS).catch((err: unknown) => logger.warn({ err }, 'lease not extended'));
  }

  async release(): Promise<void> {
    await this.#outside.system.unlock(this.#name, this.#holder).catch(() => false);
  }
}
