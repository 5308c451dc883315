import { decode, type NodeMeta, type RegistrationInfo } from '@faaskeeper/protocol';
import type { Effect, SessionRecord, Totals } from '../log-entry.ts';
import type { Address, Table } from '../ports.ts';
import type { KeptResult } from '../tables.ts';
import type { Subtree } from './quotas.ts';

/** Values that a batch may be judged by. Ephemerals are whole groups: the paths of a session. */
export interface Values {
  readonly node: NodeMeta;
  readonly session: SessionRecord;
  readonly progress: readonly [last: number, lowest: number];
  readonly result: KeptResult;
  readonly nonce: number;
  readonly ephemeral: ReadonlySet<string>;
  readonly registration: RegistrationInfo;
  readonly total: Totals;
  /** Data of the limits and statistics of quotas. */
  readonly quota: Uint8Array;
  /** Counted, not stored: what a path and all below it hold before the batch. */
  readonly subtree: Subtree;
}
export type ValueTable = keyof Values;

/** Where loaded values come from: undefined means "not loaded", null "there is none". */
export interface Source {
  get<T extends ValueTable>(table: T, key: string): Values[T] | null | undefined;
}

export interface Missing {
  readonly table: ValueTable;
  readonly key: string;
}

/** Values that are not single values of the store. */
export type Gathered = 'ephemeral' | 'subtree';

export function isGathered(table: ValueTable): table is Gathered {
  return table === 'ephemeral' || table === 'subtree';
}

/** `result` keys are `session:number`. */
export function resultKey(session: number, number: number): string {
  return `${session}:${number}`;
}

export function addressOf({ table, key }: { table: Exclude<ValueTable, Gathered>; key: string }): Address {
  if (table !== 'result') return { table, group: '', key };
  const [group = '', number = ''] = key.split(':');
  return { table, group, key: number };
}

/** A group is read whole for ephemerals, keyed by session. */
export function groupOf({ table, key }: Missing): { table: Table; group: string } | undefined {
  return table === 'ephemeral' ? { table, group: key } : undefined;
}

export function decodeValue(table: ValueTable, bytes: Uint8Array | null): Values[ValueTable] | null {
  return bytes === null ? null : (decode(bytes, `value of table ${table}`) as Values[ValueTable]);
}

type Layer = { [T in ValueTable]: Map<string, Values[T] | null> };

function emptyLayer(): Layer {
  return {
    node: new Map(),
    session: new Map(),
    progress: new Map(),
    result: new Map(),
    nonce: new Map(),
    ephemeral: new Map(),
    registration: new Map(),
    total: new Map(),
    quota: new Map(),
    subtree: new Map(),
  };
}

/**
 * The state in the middle of a batch: what is loaded, overlaid with what earlier transactions of the batch changed. A
 * nested draft (for a multi, or any transaction that may fail half way) is merged into its parent or dropped.
 */
export class Draft {
  readonly effects: Effect[] = [];
  readonly #layer = emptyLayer();
  readonly #ephemeralChanges = new Map<number, Map<string, 'add' | 'remove'>>();
  readonly #source: Source;
  readonly #missing: Missing[];
  readonly #parent: Draft | undefined;

  constructor(source: Source, missing: Missing[], parent?: Draft) {
    this.#source = source;
    this.#missing = missing;
    this.#parent = parent;
  }

  /**
   * What is not loaded is noted and taken for absent: the judgement goes on, to find all that is missing at once, and is
   * then thrown away and made again.
   */
  get<T extends ValueTable>(table: T, key: string): Values[T] | null {
    const value = this.#lookup(table, key);
    if (value === undefined) this.#missing.push({ table, key });
    return value ?? null;
  }

  set<T extends ValueTable>(table: T, key: string, value: Values[T] | null): void {
    this.#layer[table].set(key, value);
  }

  node(path: string): NodeMeta | null {
    return this.get('node', path);
  }

  session(id: number): SessionRecord | null {
    return this.get('session', String(id));
  }

  progress(session: number): { last: number; lowest: number } {
    const value = this.get('progress', String(session));
    return value === null ? { last: 0, lowest: 1 } : { last: value[0], lowest: value[1] };
  }

  /** The session's ephemerals: those in the store, with what this batch changed. */
  ephemerals(session: number): Set<string> {
    const paths = new Set(this.#parent?.ephemerals(session) ?? this.get('ephemeral', String(session)) ?? []);
    for (const [path, change] of this.#ephemeralChanges.get(session) ?? []) {
      if (change === 'add') paths.add(path);
      else paths.delete(path);
    }
    return paths;
  }

  /** What a path and all below it hold now. */
  subtree(path: string): Subtree {
    let [nodes, bytes] = this.#parent?.subtree(path) ?? this.get('subtree', path) ?? [0, 0];
    for (const [at, meta] of this.#layer.node) {
      if (at !== path && !at.startsWith(`${path}/`)) continue;
      const before = this.#source.get('node', at) ?? null;
      nodes += (meta === null ? 0 : 1) - (before === null ? 0 : 1);
      bytes += (meta?.dataLength ?? 0) - (before?.dataLength ?? 0);
    }
    return [nodes, bytes];
  }

  changeEphemerals(session: number, path: string, change: 'add' | 'remove'): void {
    const changes = this.#ephemeralChanges.get(session) ?? new Map<string, 'add' | 'remove'>();
    changes.set(path, change);
    this.#ephemeralChanges.set(session, changes);
  }

  nested(): Draft {
    return new Draft({ get: (table, key) => this.#lookup(table, key) }, this.#missing, this);
  }

  /** Takes over what a nested draft changed. */
  merge(nested: Draft): void {
    nested.eachChange((table, key, value) => this.set(table, key, value));
    for (const effect of nested.effects) this.effects.push(effect);
    for (const [session, changes] of nested.#ephemeralChanges) {
      for (const [path, change] of changes) this.changeEphemerals(session, path, change);
    }
  }

  eachChange(visit: <T extends ValueTable>(table: T, key: string, value: Values[T] | null) => void): void {
    for (const table of Object.keys(this.#layer) as ValueTable[]) {
      for (const [key, value] of this.#layer[table]) visit(table, key, value);
    }
  }

  #lookup<T extends ValueTable>(table: T, key: string): Values[T] | null | undefined {
    const changed = this.#layer[table].get(key);
    return changed === undefined ? this.#source.get(table, key) : changed;
  }
}
