import type { LogEntry } from '../log-entry.ts';
import type { Address } from '../ports.ts';
import { addressKey, eachChange, encoded, isKeptInSystemStore, type Value } from '../tables.ts';
import type { Keyed } from './runs.ts';

/** The sum of consecutive LOG entries: the last value of each address, and the paths that were deleted. */
export class Fold {
  readonly #last = new Map<string, { address: Address; value: Value }>();
  readonly #deleted = new Set<string>();

  add(entry: LogEntry): void {
    eachChange(entry, (address, value) => {
      this.#last.set(addressKey(address), { address, value });
      if (address.table !== 'node') return;
      if (value === null) this.#deleted.add(address.key);
      else this.#deleted.delete(address.key);
    });
  }

  /** Sorted by key. `kept`: what the system store keeps. */
  values(): { kept: Keyed[]; data: Keyed[] } {
    const all = Array.from(
      this.#last,
      ([key, { address, value }]): Keyed => ({ key, mutation: { ...address, value: encoded(value) } }),
    );
    all.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return {
      kept: all.filter(({ mutation }) => isKeptInSystemStore(mutation.table)),
      data: all.filter(({ mutation }) => !isKeptInSystemStore(mutation.table)),
    };
  }

  /** Nodes that are absent at the end and were deleted in between. */
  get deleted(): string[] {
    return [...this.#deleted];
  }
}
