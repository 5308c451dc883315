import {
  instanceSpecSchema,
  OPEN_ACL_UNSAFE,
  type Operation,
  type Reply,
  type SealedMessage,
  type SystemOperation,
} from '@faaskeeper/protocol';
import * as v from 'valibot';
import type { LogEntry, SessionRecord } from '../../../functions/core/log-entry.ts';
import { addressKey, mutationsOf } from '../../../functions/core/tables.ts';
import {
  addressOf,
  decodeValue,
  type Gathered,
  genesis,
  groupOf,
  type Incoming,
  type Judged,
  judge,
  type Missing,
  type Values,
  type ValueTable,
} from '../../../functions/core/transactions/index.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Judges batches one after the other on tables that change only by mutationsOf: what the writer does, without stores. */
export class Tree {
  readonly tables = new Map<string, { group: string; key: string; value: Uint8Array }>();
  readonly spec = v.parse(instanceSpecSchema, { id: 'test', storagePrefix: 'test/', superDigest: 'super:hash' });
  readonly entries: LogEntry[] = [];
  zxid = 0;
  time = 1_000;
  #nonce = 0;

  constructor() {
    this.apply(genesis('genesis'));
  }

  apply(entry: LogEntry): void {
    this.entries.push(entry);
    this.zxid = entry.zxid;
    for (const { value, ...address } of mutationsOf(entry)) {
      const key = addressKey(address);
      if (value === null) this.tables.delete(key);
      else this.tables.set(key, { group: `${address.table} ${address.group}`, key: address.key, value });
    }
  }

  value<T extends ValueTable>(table: T, key: string): Values[T] | null {
    const group = groupOf({ table, key });
    if (group !== undefined) {
      const rows = [...this.tables.values()].filter((row) => row.group === `${group.table} ${group.group}`);
      return new Set(rows.map((row) => row.key)) as unknown as Values[T];
    }
    if (table === 'subtree') return this.#subtree(key) as unknown as Values[T];
    const single = { table: table as Exclude<ValueTable, Gathered>, key };
    return decodeValue(table, this.tables.get(addressKey(addressOf(single)))?.value ?? null) as Values[T] | null;
  }

  #subtree(path: string): Values['subtree'] {
    const rows = [...this.tables.values()].filter(
      ({ group, key }) => group === 'node ' && (key === path || key.startsWith(`${path}/`)),
    );
    const bytes = rows.reduce((sum, { key }) => sum + this.value('node', key)!.dataLength, 0);
    return [rows.length, bytes];
  }

  /** Judges and applies one batch, loading what it misses round by round, as the writer does. */
  batch(incoming: Incoming[]): Judged {
    const loaded = new Set<string>();
    const source = {
      get: <T extends ValueTable>(table: T, key: string) =>
        loaded.has(`${table} ${key}`) ? this.value(table, key) : undefined,
    };
    const password = (index: number) => new Uint8Array(16).fill(index + 1);
    for (let round = 0; round < 20; round++) {
      const outcome = judge(incoming, source, {
        spec: this.spec,
        time: this.time,
        zxid: this.zxid,
        watermark: 0,
        logger: silent,
        password,
      });
      if ('judged' in outcome) return this.#commit(outcome.judged);
      for (const { table, key } of outcome.missing as Missing[]) loaded.add(`${table} ${key}`);
    }
    throw new Error('The batch needs too many rounds of loading');
  }

  #commit(judged: Judged): Judged {
    const { transactions, progress, zxid, time, totals } = judged;
    const counted = totals === null ? {} : { totals };
    this.apply({
      id: `e${this.entries.length}`,
      time,
      zxidBefore: this.zxid,
      zxid,
      transactions,
      progress,
      ...counted,
    });
    return judged;
  }

  open(timeout = 10_000): Session {
    this.#nonce += 1;
    const nonce = new Uint8Array(16).fill(this.#nonce);
    const message = { type: 'createSession', nonce, key: new Uint8Array(32), timeout } as const;
    const { notices } = this.batch([message]);
    const opened = notices[0]?.message as Extract<SealedMessage, { type: 'opened' }>;
    return new Session(this, opened.session, message);
  }

  system(operation: SystemOperation): Judged {
    return this.batch([{ type: 'system', operation }]);
  }

  record(session: number): SessionRecord {
    const record = this.value('session', String(session));
    if (record === null) throw new Error(`No session ${session}`);
    return record;
  }
}

export class Session {
  next = 1;
  readonly tree: Tree;
  readonly id: number;
  readonly opening: Extract<Incoming, { type: 'createSession' }>;

  constructor(tree: Tree, id: number, opening: Extract<Incoming, { type: 'createSession' }>) {
    this.tree = tree;
    this.id = id;
    this.opening = opening;
  }

  /** A message with these operations, numbered from `first`. */
  message(operations: unknown[], first = this.next, lowest = first): Extract<Incoming, { type: 'requests' }> {
    const { generation, password } = this.tree.record(this.id);
    if (first === this.next) this.next += operations.length;
    return { type: 'requests', session: this.id, generation, password, first, lowest, operations };
  }

  do(operation: Operation): Reply {
    const { replies } = this.tree.batch([this.message([operation])]);
    if (replies[0] === undefined) throw new Error('No reply');
    return replies[0].reply;
  }

  create(path: string, extra: Partial<Extract<Operation, { type: 'create' }>> = {}): Reply {
    return this.do({ ...creation(path), ...extra });
  }
}

export function creation(path: string): Extract<Operation, { type: 'create' }> {
  return { type: 'create', path, data: new Uint8Array([1]), acl: [...OPEN_ACL_UNSAFE], mode: 'PERSISTENT' };
}
