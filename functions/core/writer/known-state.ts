import { LRUCache } from 'lru-cache';
import { BOUNDS } from '../bounds.ts';
import type { StoreState, SystemStore } from '../ports.ts';
import {
  addressOf,
  type Draft,
  decodeValue,
  type Gathered,
  groupOf,
  isGathered,
  type Missing,
  type Source,
  type Subtree,
  type Values,
  type ValueTable,
} from '../transactions/index.ts';
import { countSubtrees } from './subtrees.ts';

/** Values kept between batches, of each table. */
function capacityOf(table: Exclude<ValueTable, Gathered>): number {
  if (table === 'total') return 1;
  return table === 'node' ? BOUNDS.knownNodes : BOUNDS.knownValues;
}

/** Counted as sizes: a cache with a most of items makes room for all of them at once, a cost of each cold start. */
function cacheFor<T extends Exclude<ValueTable, Gathered>>(table: T): LRUCache<string, { value: Values[T] | null }> {
  return new LRUCache({ maxSize: capacityOf(table), sizeCalculation: () => 1 });
}

/** What is cached was read at another state than the one that the writer stands at. */
export class StoreMoved extends Error {
  override name = 'StoreMoved';
}

/**
 * What the writer knows of the applied state at one LOG sequence. It stays exact without reading the store again, for
 * as long as every entry is the writer's own: the append proves that. Any doubt throws it away.
 */
export class KnownState {
  readonly generation: string;
  sequence: number;
  zxid: number;
  readonly #system: SystemStore;
  readonly #cache: { [T in Exclude<ValueTable, Gathered>]: LRUCache<string, { value: Values[T] | null }> };

  constructor(state: StoreState, system: SystemStore) {
    this.generation = state.generation;
    this.sequence = state.applied;
    this.zxid = state.zxid;
    this.#system = system;
    this.#cache = {
      node: cacheFor('node'),
      session: cacheFor('session'),
      progress: cacheFor('progress'),
      result: cacheFor('result'),
      nonce: cacheFor('nonce'),
      registration: cacheFor('registration'),
      total: cacheFor('total'),
      quota: cacheFor('quota'),
    };
  }

  /** Starts the judgement of one batch. */
  loading(): Loading {
    return new Loading(this, this.#system);
  }

  cached<T extends ValueTable>(table: T, key: string): Values[T] | null | undefined {
    // Whole sets of a session's ephemerals are needed once, at its end; a subtree is counted when it gets a quota.
    if (isGathered(table)) return undefined;
    return this.#cacheOf(table as Exclude<T, Gathered>).get(key)?.value as Values[T] | null | undefined;
  }

  /** Takes over what an appended batch changed. */
  advance(draft: Draft, sequence: number, zxid: number): void {
    this.sequence = sequence;
    this.zxid = zxid;
    draft.eachChange((table, key, value) => this.remember(table, key, value));
  }

  remember<T extends ValueTable>(table: T, key: string, value: Values[T] | null): void {
    if (isGathered(table)) return;
    this.#cacheOf(table as Exclude<T, Gathered>).set(key, {
      value: value as Values[Exclude<T, Gathered>] | null,
    });
  }

  #cacheOf<T extends Exclude<ValueTable, Gathered>>(table: T): LRUCache<string, { value: Values[T] | null }> {
    return this.#cache[table] as unknown as LRUCache<string, { value: Values[T] | null }>;
  }
}

/** The values that one batch is judged by: cached or read, never evicted in between. */
export class Loading implements Source {
  readonly #known: KnownState;
  readonly #system: SystemStore;
  readonly #loaded = new Map<ValueTable, Map<string, unknown>>();

  constructor(known: KnownState, system: SystemStore) {
    this.#known = known;
    this.#system = system;
  }

  get<T extends ValueTable>(table: T, key: string): Values[T] | null | undefined {
    const loaded = this.#loaded.get(table)?.get(key) as Values[T] | null | undefined;
    if (loaded !== undefined) return loaded;
    const cached = this.#known.cached(table, key);
    if (cached !== undefined) this.#keep(table, key, cached);
    return cached;
  }

  #keep(table: ValueTable, key: string, value: unknown): void {
    const own = this.#loaded.get(table);
    if (own === undefined) this.#loaded.set(table, new Map([[key, value]]));
    else own.set(key, value);
  }

  /**
   * Reads what is missing in one atomic call.
   *
   * @throws StoreMoved when the store was wiped, rebuilt or is at another sequence (invariant 3).
   */
  async load(missing: readonly Missing[]): Promise<void> {
    const unknown = new Map<string, Missing>();
    for (const item of missing) {
      if (this.get(item.table, item.key) === undefined) unknown.set(`${item.table} ${item.key}`, item);
    }
    if (unknown.size === 0) return;
    const items = [...unknown.values()];
    const subtrees = items.filter(({ table }) => table === 'subtree').map(({ key }) => key);
    const counts = subtrees.length === 0 ? [] : await this.#count(subtrees);
    const single = items.filter(isSingle);
    const whole = items.flatMap((item) => groupOf(item) ?? []);
    const { state, values, groups } = await this.#system.read(single.map(addressOf), whole);
    this.#expectUnmoved(state);
    for (const [index, { table, key }] of single.entries()) {
      const value = decodeValue(table, values[index] ?? null);
      this.#keep(table, key, value);
      this.#known.remember(table, key, value as Values[typeof table] | null);
    }
    for (const [index, { group }] of whole.entries()) {
      this.#keep('ephemeral', group, new Set(groups[index]?.keys() ?? []));
    }
    for (const [index, path] of subtrees.entries()) this.#keep('subtree', path, counts[index]);
  }

  /** The caller reads afterwards, which shows that nothing has changed meanwhile. */
  async #count(subtrees: readonly string[]): Promise<Subtree[]> {
    this.#expectUnmoved((await this.#system.read([])).state);
    return await countSubtrees(this.#system, subtrees);
  }

  #expectUnmoved(state: StoreState | undefined): void {
    if (state?.generation === this.#known.generation && state.applied === this.#known.sequence) return;
    throw new StoreMoved(`The system store is at ${JSON.stringify(state)}, not at ${this.#known.sequence}`);
  }
}

function isSingle(item: Missing): item is Missing & { table: Exclude<ValueTable, Gathered> } {
  return !isGathered(item.table);
}
