import type { Address, Mutation, StoreState, SystemStore, Table } from '../../../functions/core/ports.ts';
import type { Link } from '../network.ts';
import { SimRecordServer } from './records.ts';

/** Values by group, by key. */
type Content = Map<string, Map<string, Uint8Array>>;

interface Lock {
  readonly holder: string;
  readonly until: number;
}

interface Snapshot {
  readonly state: StoreState | undefined;
  readonly content: Content;
  readonly locks: Map<string, Lock>;
  readonly tokens: Map<string, number>;
  readonly records: ReadonlyMap<string, Buffer>;
}

const PAGE = 10;

function groupKey(table: Table, group: string): string {
  return `${table} ${group}`;
}

/** Redis, with our scripts in it. */
export class SimStoreServer {
  state: StoreState | undefined;
  /** What user storage keeps in the same Redis. */
  readonly records = new SimRecordServer();
  /** Emptied on purpose, at this sequence. */
  asleep: number | undefined;
  #content: Content = new Map();
  #locks = new Map<string, Lock>();
  #tokens = new Map<string, number>();
  /** What rebuilds that are under way have loaded. */
  readonly #loading = new Map<number, Content>();
  #generations = 0;
  #rebuilds = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get content(): ReadonlyMap<string, ReadonlyMap<string, Uint8Array>> {
    return this.#content;
  }

  group(table: Table, group: string): Map<string, Uint8Array> {
    return new Map(this.#content.get(groupKey(table, group)));
  }

  value({ table, group, key }: Address): Uint8Array | null {
    return this.#content.get(groupKey(table, group))?.get(key) ?? null;
  }

  apply(entry: Parameters<SystemStore['apply']>[0]): Awaited<ReturnType<SystemStore['apply']>> {
    const { generation, sequence, zxid, mutations, after = sequence - 1 } = entry;
    if (this.state?.generation !== generation) return 'other generation';
    if (this.state.applied >= sequence) return 'repeated';
    if (this.state.applied !== after) return 'gap';
    change(this.#content, mutations);
    this.state = { generation, applied: sequence, zxid };
    return 'applied';
  }

  beginRebuild(): number {
    const id = ++this.#rebuilds;
    this.#loading.set(id, new Map());
    return id;
  }

  /** False: a wipe has taken it. */
  load(id: number, mutations: readonly Mutation[]): boolean {
    const content = this.#loading.get(id);
    if (content !== undefined) change(content, mutations);
    return content !== undefined;
  }

  finishRebuild(id: number, replaces: string | undefined, at: { applied: number; zxid: number }): 'switched' | 'lost' {
    const content = this.#loading.get(id);
    this.#loading.delete(id);
    if (content === undefined || this.state?.generation !== replaces) return 'lost';
    this.#content = content;
    this.state = { ...at, generation: `g${++this.#generations}` };
    this.asleep = undefined;
    return 'switched';
  }

  hibernate(generation: string, applied: number): boolean {
    if (this.state?.generation !== generation || this.state.applied !== applied) return false;
    this.state = undefined;
    this.asleep = applied;
    this.#content = new Map();
    return true;
  }

  dropRebuild(id: number): void {
    this.#loading.delete(id);
  }

  lock(name: string, holder: string, ttlMs: number): number | undefined {
    const held = this.#locks.get(name);
    if (held !== undefined && held.until > this.#now() && held.holder !== holder) return undefined;
    const token = (this.#tokens.get(name) ?? 0) + 1;
    this.#tokens.set(name, token);
    this.#locks.set(name, { holder, until: this.#now() + ttlMs });
    return token;
  }

  extend(name: string, holder: string, ttlMs: number): boolean {
    const held = this.#locks.get(name);
    if (held?.holder !== holder || held.until <= this.#now()) return false;
    this.#locks.set(name, { holder, until: this.#now() + ttlMs });
    return true;
  }

  unlock(name: string, holder: string): boolean {
    return this.#locks.get(name)?.holder === holder && this.#locks.delete(name);
  }

  /** FLUSHALL */
  wipe(): void {
    this.state = undefined;
    this.asleep = undefined;
    this.#content = new Map();
    this.#locks.clear();
    this.#tokens.clear();
    this.#loading.clear();
    this.records.wipe();
  }

  snapshot(): Snapshot {
    return structuredCloneOf({
      state: this.state,
      content: this.#content,
      locks: this.#locks,
      tokens: this.#tokens,
      records: this.records.snapshot(),
    });
  }

  /** A replica that lagged was promoted, or an old file was loaded. */
  restore(snapshot: Snapshot): void {
    const { state, content, locks, tokens, records } = structuredCloneOf(snapshot);
    this.records.restore(records);
    this.state = state;
    this.asleep = undefined;
    this.#content = content;
    this.#locks = locks;
    this.#tokens = tokens;
    this.#loading.clear();
  }
}

function structuredCloneOf({ state, content, locks, tokens, records }: Snapshot): Snapshot {
  const copy: Content = new Map([...content].map(([group, values]) => [group, new Map(values)]));
  return { state, content: copy, locks: new Map(locks), tokens: new Map(tokens), records };
}

function change(content: Content, mutations: readonly Mutation[]): void {
  for (const { table, group, key, value } of mutations) {
    // Only checkpoints keep the data.
    if (table === 'data') continue;
    const name = groupKey(table, group);
    const values = content.get(name) ?? new Map<string, Uint8Array>();
    if (value === null) values.delete(key);
    else values.set(key, value);
    if (values.size > 0) content.set(name, values);
    else content.delete(name);
  }
}

export function simSystemStore(link: Link, server: SimStoreServer): SystemStore {
  return {
    read: (addresses, groups = []) =>
      link.call('read store', () => ({
        state: server.state,
        ...(server.asleep === undefined ? {} : { asleep: server.asleep }),
        values: addresses.map((address) => server.value(address)),
        groups: groups.map(({ table, group }) => server.group(table, group)),
      })),
    apply: (entry) => link.call(`apply ${entry.sequence}`, () => server.apply(entry)),
    async rebuild(replaces, state, content) {
      const id = await link.call('begin rebuild', () => server.beginRebuild());
      try {
        for await (const page of content) {
          if (!(await link.call('load', () => server.load(id, page)))) return 'lost';
        }
      } catch (error) {
        link.send('drop rebuild', () => server.dropRebuild(id));
        throw error;
      }
      return await link.call('switch', () => server.finishRebuild(id, replaces, state));
    },
    hibernate: ({ generation, applied }) => link.call('hibernate', () => server.hibernate(generation, applied)),
    async *scan(table, group) {
      const keys = await link.call('scan', () => [...server.group(table, group).keys()]);
      for (let at = 0; at < keys.length; at += PAGE) {
        const some = keys.slice(at, at + PAGE);
        yield await link.call('scan on', () =>
          some.flatMap((key): [string, Uint8Array][] => {
            const value = server.value({ table, group, key });
            return value === null ? [] : [[key, value]];
          }),
        );
      }
    },
    lock: (name, holder, ttlMs) => link.call('lock', () => server.lock(name, holder, ttlMs)),
    extend: (name, holder, ttlMs) => link.call('extend', () => server.extend(name, holder, ttlMs)),
    unlock: (name, holder) => link.call('unlock', () => server.unlock(name, holder)),
  };
}
