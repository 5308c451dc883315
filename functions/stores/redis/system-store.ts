import { DamagedError } from '@faaskeeper/protocol';
import type { Redis } from 'ioredis';
import type { Address, Mutation, SystemStore, Table } from '../../core/ports.ts';
import { applyEntry } from './apply-entry.ts';
import { checkedValue, checkState, STORE_FORMAT, stateChecksum } from './checked.ts';
import { groupKey, instanceKeys, isList } from './keys.ts';
import { SharedLocks } from './lock-batches.ts';
import { packMutations } from './mutations.ts';
import { pack } from './pack.ts';
import { decodeList } from './primitives/atomic-list.ts';
import { POSITION_BYTES } from './primitives/atomic-list-lua.ts';
import { TimedLock } from './primitives/timed-lock.ts';
import { readValues } from './read-values.ts';
import { rebuild, removeGarbage } from './rebuild.ts';
import { condemn, fallAsleep } from './rebuild-scripts.ts';
import { runScript } from './script.ts';

/** Elements of one page of a scan, roughly. */
const SCAN_PAGE = 1_000;

type ReadReply = [generation: Buffer, state: (Buffer | null)[], values: (Buffer | null)[][], groups: Buffer[][]];
type Found = Awaited<ReturnType<SystemStore['read']>>;
type ApplyOutcome = Awaited<ReturnType<SystemStore['apply']>>;

export interface RedisSystemStoreHooks {
  /** Hears of removals in the background that failed; the next rebuild tries again. */
  readonly onError?: (error: unknown) => void;
  /** What is stored was found damaged, and counts no longer. */
  readonly onDamage?: (error: unknown) => void;
}

/**
 * The system store of one instance in Redis. Every call fails within the connection's command time-out. A store of which
 * any value that is read is damaged is treated as wiped: it can be rebuilt, and nobody may be judged by it.
 */
export class RedisSystemStore implements SystemStore {
  readonly #redis: Redis;
  readonly #keys: ReturnType<typeof instanceKeys>;
  readonly #hooks: RedisSystemStoreHooks;

  constructor(redis: Redis, instance: string, hooks: RedisSystemStoreHooks = {}) {
    this.#redis = redis;
    this.#keys = instanceKeys(instance);
    this.#hooks = hooks;
  }

  async read(addresses: readonly Address[], groups: readonly { table: Table; group: string }[] = []): Promise<Found> {
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
    const reply = (await runScript(this.#redis, readValues, [this.#keys.generation], args)) as
      | ReadReply
      | Buffer
      | null;
    const values = new Array<Uint8Array | null>(addresses.length).fill(null);
    const wiped: Found = { state: undefined, values, groups: groups.map(() => new Map()) };
    if (reply === null) return wiped;
    if (Buffer.isBuffer(reply)) return { ...wiped, asleep: Number(reply.toString().split(':')[1]) };
    const generation = reply[0].toString();
    const [, state, found, contents] = reply;
    return await this.#whole(generation, wiped, () => {
      const checked = [...values];
      wanted.forEach(({ keys, places, list }, i) => {
        places.forEach((place, j) => {
          const stored = found[i]?.[j] ?? null;
          if (stored === null) return;
          checked[place] = checkedValue(keys[j]!, list ? stored.subarray(POSITION_BYTES) : stored);
        });
      });
      return {
        state: { generation, ...checkState(state) },
        values: checked,
        groups: contents.map((flat, i) => checkedGroup(isList(groups[i]!.table) ? decodeList(flat) : pairs(flat))),
      };
    });
  }

  /** What is read where it is whole; else this generation ends, and the store is as good as wiped. */
  async #whole<T>(generation: string, wiped: T, checked: () => T): Promise<T> {
    try {
      return checked();
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      await runScript(this.#redis, condemn, [this.#keys.generation], [generation]);
      this.#hooks.onDamage?.(error);
      return wiped;
    }
  }

  async apply(entry: {
    generation: string;
    after?: number;
    sequence: number;
    zxid: number;
    mutations: readonly Mutation[];
  }): Promise<ApplyOutcome> {
    const { generation, sequence, after = sequence - 1, zxid, mutations } = entry;
    const check = [STORE_FORMAT, stateChecksum(sequence, zxid, STORE_FORMAT)];
    const args = [this.#keys.root, generation, sequence, zxid, packMutations(mutations), after, ...check];
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
      removeGarbage(this.#redis, this.#keys).catch((error: unknown) => this.#hooks.onError?.(error));
    }
  }

  async hibernate({ generation, applied }: { generation: string; applied: number }): Promise<boolean> {
    const { root, generation: key } = this.#keys;
    if ((await runScript(this.#redis, fallAsleep, [key], [root, generation, applied])) !== 1) return false;
    await removeGarbage(this.#redis, this.#keys);
    return true;
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
      const page = await this.#whole(generation, undefined, () =>
        pairs(flat)
          .filter(([name]) => skip === 0 || name !== '')
          .map(([name, value]): [string, Uint8Array] => [name, checkedValue(name, value.subarray(skip))]),
      );
      if (page === undefined) break;
      if (page.length > 0) yield page;
    } while (cursor !== '0');
    if ((await this.#redis.get(this.#keys.generation)) === generation) return;
    throw new Error(`The system store was rebuilt while ${table} was paged through: pages may be missing`);
  }

  lock(name: string, holder: string, ttlMs: number): Promise<number | undefined> {
    return SharedLocks.of(this.#redis).acquire(this.#keys.lock(name), holder, ttlMs);
  }

  extend(name: string, holder: string, ttlMs: number): Promise<boolean> {
    return SharedLocks.of(this.#redis).extend(this.#keys.lock(name), holder, ttlMs);
  }

  unlock(name: string, holder: string): Promise<boolean> {
    return new TimedLock(this.#redis, this.#keys.lock(name)).release(holder);
  }
}

function checkedGroup(group: Iterable<[string, Uint8Array]>): Map<string, Uint8Array> {
  const checked = new Map<string, Uint8Array>();
  for (const [key, stored] of group) checked.set(key, checkedValue(key, stored));
  return checked;
}

function pairs(flat: readonly Buffer[]): [string, Buffer][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!.toString(), flat[2 * i + 1]!]);
}
