import { LRUCache } from 'lru-cache';
import type { StoreState, SystemStore } from '../ports.ts';
import {
  addressOf,
  type Draft,
  decodeValue,
  groupOf,
  type Missing,
  type Source,
  type Values,
  type ValueTable,
} from '../transactions/index.ts';

/** Values kept between batches, by table. */
const CAPACITY: Record<Exclude<ValueTable, 'ephemeral'>, number> = {
  node: 100_000,
  session: 20_000,
  progress: 20_000,
  result: 20_000,
  nonce: 20_000,
  registration: 10_000,
  total: 1,
};

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
  readonly #cache: { [T in Exclude<ValueTable, 'ephemeral'>]: LRUCache<string, { value: Values[T] | null }> };

  constructor(state: StoreState, system: SystemStore) {
    this.generation = state.generation;
    this.sequence = state.applied;
    this.zxid = state.zxid;
    this.#system = system;
    this.#cache = {
      node: new LRUCache({ max: CAPACITY.node }),
      session: new LRUCache({ max: CAPACITY.session }),
      progress: new LRUCache({ max: CAPACITY.progress }),
      result: new LRUCache({ max: CAPACITY.result }),
      nonce: new LRUCache({ max: CAPACITY.nonce }),
      registration: new LRUCache({ max: CAPACITY.registration }),
      total: new LRUCache({ max: CAPACITY.total }),
    };
  }

  /** Starts the judgement of one batch. */
  loading(): Loading {
    return new Loading(this, this.#system);
  }

  cached<T extends ValueTable>(table: T, key: string): Values[T] | null | undefined {
    // Whole sets of a session's ephemerals are needed once, at its end.
    if (table === 'ephemeral') return undefined;
    return this.#cacheOf(table as Exclude<T, 'ephemeral'>).get(key)?.value as Values[T] | null | undefined;
  }

  /** Takes over what an appended batch changed. */
  advance(draft: Draft, sequence: number, zxid: number): void {
    this.sequence = sequence;
    this.zxid = zxid;
    draft.eachChange((table, key, value) => this.remember(table, key, value));
  }

  remember<T extends ValueTable>(table: T, key: string, value: Values[T] | null): void {
    if (table === 'ephemeral') return;
    this.#cacheOf(table as Exclude<T, 'ephemeral'>).set(key, {
      value: value as Values[Exclude<T, 'ephemeral'>] | null,
    });
  }

  #cacheOf<T extends Exclude<ValueTable, 'ephemeral'>>(table: T): LRUCache<string, { value: Values[T] | null }> {
    return this.#cache[table] as unknown as LRUCache<string, { value: Values[T] | null }>;
  }
}

/** The values that one batch is judged by: cached or read, never evicted in between. */
export class Loading implements Source {
  readonly #known: KnownState;
  readonly #system: SystemStore;
  readonly #loaded = new Map<string, unknown>();

  constructor(known: KnownState, system: SystemStore) {
    this.#known = known;
    this.#system = system;
  }

  get<T extends ValueTable>(table: T, key: string): Values[T] | null | undefined {
    const at = `${table} ${key}`;
    const loaded = this.#loaded.get(at) as Values[T] | null | undefined;
    if (loaded !== undefined) return loaded;
    const cached = this.#known.cached(table, key);
    if (cached !== undefined) this.#loaded.set(at, cached);
    return cached;
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
    const single = items.filter((item) => groupOf(item) === undefined);
    const whole = items.flatMap((item) => groupOf(item) ?? []);
    const { state, values, groups } = await this.#system.read(single.map(addressOf), whole);
    if (state?.generation !== this.#known.generation || state.applied !== this.#known.sequence) {
      throw new StoreMoved(`The system store is at ${JSON.stringify(state)}, not at ${this.#known.sequence}`);
    }
    for (const [index, { table, key }] of single.entries()) {
      const value = decodeValue(table, values[index] ?? null);
      this.#loaded.set(`${table} ${key}`, value);
      this.#known.remember(table, key, value as Values[typeof table] | null);
    }
    for (const [index, { table, group }] of whole.entries()) {
      this.#loaded.set(`${table} ${group}`, new Set(groups[index]?.keys() ?? []));
    }
  }
}
