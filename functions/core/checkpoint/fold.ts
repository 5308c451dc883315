import type { LogEntry } from '../log-entry.ts';
import type { Mutation } from '../ports.ts';
import { addressKey, isKeptInSystemStore, mutationsOf } from '../tables.ts';
import type { Keyed } from './runs.ts';

/** The sum of consecutive LOG entries: the last value of each address, and the paths that were deleted. */
export class Fold {
  readonly #last = new Map<string, Mutation>();
  readonly #deleted = new Set<string>();

  add(entry: LogEntry): void {
    for (const mutation of mutationsOf(entry)) {
      this.#last.set(addressKey(mutation), mutation);
      if (mutation.table !== 'node') continue;
      if (mutation.value === null) this.#deleted.add(mutation.key);
      else this.#deleted.delete(mutation.key);
    }
  }

  /** Sorted by key. `kept`: what the system store keeps. */
  values(): { kept: Keyed[]; data: Keyed[] } {
    const all = [...this.#last].map(([key, mutation]): Keyed => ({ key, mutation }));
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
