import type { Clock, Logger, SystemStore } from '../ports.ts';
import { TRIGGER } from './bounds.ts';

export interface OwnershipOptions {
  readonly system: Pick<SystemStore, 'lock' | 'extend' | 'unlock'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name of the timed lock. */
  readonly name: string;
  /** Who this trigger is. */
  readonly holder: string;
  /** The lanes are ours: called before anything is taken from them. */
  readonly onOwned: () => Promise<void>;
  /** They are not, or nobody can say. */
  readonly onLost: () => Promise<void>;
}

/**
 * Which of several trigger replicas works on an instance. The timed lock is for liveness: that two never harm each other
 * is seen to by the consumers (re-created on take-over) and the log.
 */
export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #holds = false;
  /** Ends the present hold. */
  #letGo: AbortController | undefined;

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Something says that the lanes have another owner: the lock is given back and asked for again. */
  doubt(): void {
    this.#letGo?.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#letGo?.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { system, clock, name, holder, logger, onOwned, onLost } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (await this.#take()) {
        try {
          this.#letGo = new AbortController();
          await onOwned();
          if (!signal.aborted) await this.#hold(this.#letGo.signal);
        } catch (err) {
          logger.error({ err }, 'the lanes of an instance could not be started');
        }
        await onLost();
        if (this.#holds) await system.unlock(name, holder).catch(() => false);
        this.#holds = false;
      }
      await clock.sleep(untilNext(TRIGGER.lockRetryMs, clock), signal).catch(() => {});
    }
  }

  async #take(): Promise<boolean> {
    const { system, name, holder, logger } = this.#options;
    try {
      this.#holds = (await system.lock(name, holder, TRIGGER.lockTtlMs)) !== undefined;
    } catch (err) {
      logger.warn({ err }, 'the lock of an instance cannot be asked for');
      this.#holds = false;
    }
    return this.#holds;
  }

  /** Returns when the lock is lost, when it could not be extended for its whole time, or when this trigger stops. */
  async #hold(signal: AbortSignal): Promise<void> {
    const { system, clock, name, holder, logger } = this.#options;
    let extendedAt = clock.now();
    while (!signal.aborted) {
      await clock.sleep(untilNext(TRIGGER.lockExtendMs, clock), signal).catch(() => {});
      if (signal.aborted) return;
      const asked = clock.now();
      try {
        // A wiped store has forgotten the lock: whoever asks first has it.
        const held = (await system.extend(name, holder, TRIGGER.lockTtlMs)) || (await this.#take());
        if (!held) {
          this.#holds = false;
          logger.warn({}, 'another trigger has taken the instance over');
          return;
        }
        extendedAt = asked;
      } catch (err) {
        logger.warn({ err }, 'the lock of an instance could not be extended');
      }
      if (clock.now() - extendedAt >= TRIGGER.lockTtlMs) {
        this.#holds = false;
        logger.warn({}, 'the lock of an instance has run out');
        return;
      }
    }
  }
}

/** To the same moments for all instances, so that one command asks for, or extends, all locks. */
function untilNext(intervalMs: number, clock: Clock): number {
  return intervalMs - (clock.now() % intervalMs);
}
