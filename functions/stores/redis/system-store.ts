import type { Redis } from 'ioredis';
import type { Address, Mutation, StoreState, SystemStore, Table } from '../../core/ports.ts';
import { applyEntry } from './apply-entry.ts';
import { groupKey, instanceKeys, isList } from './keys.ts';
import { packMutations } from './mutations.ts';
import { pack } from './pack.ts';
import { decodeList } from './primitives/atomic-list.ts';
import { POSITION_BYTES } from './primitives/atomic-list-lua.ts';
import { TimedLock } from './primitives/timed-lock.ts';
import { readValues } from './read-values.ts';
import { rebuild, removeGarbage } from './rebuild.ts';
import { runScript } from './script.ts';

/** Elements of one page of a scan, roughly. */
const SCAN_PAGE = 1_000;

type ReadReply = [generation: Buffer, applied: Buffer, zxid: Buffer, values: (Buffer | null)[][], groups: Buffer[][]];
type ApplyOutcome = Awaited<ReturnType<SystemStore['apply']>>;

/** The system store of one instance in Redis. Every call fails within the connection's command time-out. */
export class RedisSystemStore implements SystemStore {
  readonly #redis: Redis;
  readonly #keys: ReturnType<typeof instanceKeys>;
  readonly #onError: (error: unknown) => void;

  /** `onError` hears of removals in the background that failed; the next rebuild tries again. */
  constructor(redis: Redis, instance: string, onError: (error: unknown) => void = () => {}) {
    this.#redis = redis;
    this.#keys = instanceKeys(instance);
    this.#onError = onError;
  }

  async read(
    addresses: readonly Address[],
    groups: readonly { table: Table; group: string }[] = [],
  ): Promise<{ state: StoreState | undefined; values: (Uint8Array | null)[]; groups: Map<string, Uint8Array>[] }> {
    const byGroup = new Map<string, { keys: string[]; places: number[]; list: boolean }>();
    addresses.forEach(({ table, group, key }, place) => {
      const name = groupKey(table, group);
      let wanted = byGroup.get(name);
      if (wanted === undefined) {
        wanted = { keys: [], places: [], list: isList(table) };
        byGroup.set(name, wanted);
      }
      wanted.keys.push(key);
      wanted.places.push(place);
    });
    const wanted = [...byGroup.values()];
    const request = pack([
      [...byGroup].map(([name, { keys }]) => [name, keys]),
      groups.map(({ table, group }) => groupKey(table, group)),
    ]);
    const args = [this.#keys.root, request];
    const reply = (await runScript(this.#redis, readValues, [this.#keys.generation], args)) as ReadReply | null;
    const values = new Array<Uint8Array | null>(addresses.length).fill(null);
    if (reply === null) return { state: undefined, values, groups: groups.map(() => new Map()) };
    const [generation, applied, zxid, found, contents] = reply;
    wanted.forEach(({ places, list }, i) => {
      places.forEach((place, j) => {
        const stored = found[i]?.[j] ?? null;
        values[place] = stored !== null && list ? stored.subarray(POSITION_BYTES) : stored;
      });
    });
    return {
      state: { generation: generation.toString(), applied: Number(String(applied)), zxid: Number(String(zxid)) },
      values,
      groups: contents.map((flat, i) => (isList(groups[i]!.table) ? decodeList(flat) : new Map(pairs(flat)))),
    };
  }

  async apply(entry: {
    generation: string;
    after?: number;
    sequence: number;
    zxid: number;
    mutations: readonly Mutation[];
  }): Promise<ApplyOutcome> {
    const { generation, sequence, after = sequence - 1, zxid, mutations } = entry;
    const args = [this.#keys.root, generation, sequence, zxid, packMutations(mutations), after];
    return String(await runScript(this.#redis, applyEntry, [this.#keys.generation], args)) as ApplyOutcome;
  }

  async rebuild(
    replaces: string | undefined,
    state: { applied: number; zxid: number },
    content: AsyncIterable<readonly Mutation[]>,
  ): Promise<'switched' | 'lost'> {
    try {
      return await rebuild(this.#redis, this.#keys, replaces, state, content);
    } finally {
      removeGarbage(this.#redis, this.#keys).catch(this.#onError);
    }
  }

  async *scan(table: Table, group: string): AsyncIterable<[key: string, value: Uint8Array][]> {
    const generation = await this.#redis.get(this.#keys.generation);
    if (generation === null) return;
    const key = `${this.#keys.namespace(generation)}${groupKey(table, group)}`;
    const skip = isList(table) ? POSITION_BYTES : 0;
    let cursor = '0';
    do {
      const args = [key, cursor, 'COUNT', SCAN_PAGE];
      const [next, flat] = (await this.#redis.callBuffer('HSCAN', args)) as [Buffer, Buffer[]];
      cursor = next.toString();
      const page = pairs(flat)
        .filter(([name]) => skip === 0 || name !== '')
        .map(([name, value]): [string, Uint8Array] => [name, value.subarray(skip)]);
      if (page.length > 0) yield page;
    } while (cursor !== '0');
    if ((await this.#redis.get(this.#keys.generation)) === generation) return;
    throw new Error(`The system store was rebuilt while ${table} was paged through: pages may be missing`);
  }

  lock(name: string, holder: string, ttlMs: number): Promise<number | undefined> {
    return this.#lock(name).acquire(holder, ttlMs);
  }

  extend(name: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#lock(name).extend(holder, ttlMs);
  }

  unlock(name: string, holder: string): Promise<boolean> {
    return this.#lock(name).release(holder);
  }

  #lock(name: string): TimedLock {
    return new TimedLock(this.#redis, this.#keys.lock(name));
  }
}

function pairs(flat: readonly Buffer[]): [string, Buffer][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!.toString(), flat[2 * i + 1]!]);
}
