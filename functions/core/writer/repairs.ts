import { encode } from '@faaskeeper/protocol';
import { reportFault } from '../faults.ts';
import type { Outside } from '../ports.ts';

/** A node's repair is asked for at most so often, ms: the first one takes a while to be done. */
const ASK_AGAIN_MS = 2_000;
/** Nodes whose repair was asked for in that time; beyond it the next who reads them asks. */
const MAX_ASKED = 1_000;

/**
 * Asks for the repair of nodes whose stored object is damaged or lost, as a request of the system: its transaction in
 * LOG wakes the distributor, and has its place in the order of all others.
 */
export class Repairs {
  readonly #outside: Pick<Outside, 'clock' | 'logger' | 'incidents' | 'notifications'>;
  readonly #subject: string;
  /** By path: when (ms). In the order of that. */
  readonly #asked = new Map<string, number>();

  constructor(outside: Outside, subject: string) {
    this.#outside = outside;
    this.#subject = subject;
  }

  ask(path: string, fault: 'object-damaged' | 'object-lost', err: unknown): void {
    const { clock, notifications } = this.#outside;
    const now = clock.now();
    for (const [known, at] of this.#asked) {
      if (now - at < ASK_AGAIN_MS) break;
      this.#asked.delete(known);
    }
    if (this.#asked.has(path) || this.#asked.size >= MAX_ASKED) return;
    this.#asked.set(path, now);
    reportFault(this.#outside, fault, { path, err }, 'a stored object is damaged: its repair is asked for');
    notifications.publish(this.#subject, encode({ type: 'repair', path }));
  }
}
