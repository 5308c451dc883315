import { encode, type NodeMeta } from '@faaskeeper/protocol';
import type { LogEntry, SessionRecord, Transaction } from './log-entry.ts';
import type { Address, Mutation, Table } from './ports.ts';

/**
 * The applied state as tables of values. One pure function derives from a LOG entry what changes in them; the system
 * store, checkpoints and rebuilds all apply the same mutations, so they cannot differ.
 *
 * | table | group | key | value |
 * | --- | --- | --- | --- |
 * | node | | path | NodeMeta |
 * | data | | path | data (checkpoints only; the system store keeps none) |
 * | session | | session id | SessionRecord |
 * | progress | | session id | [last, lowest] |
 * | result | session id | request number | KeptResult |
 * | nonce | | nonce of createSession | session id |
 * | ephemeral | session id | path | empty |
 * | timed | | path of a container or TTL node | kind |
 * | registration | | registration id | RegistrationInfo |
 * | quota | | path of a quota's limits or statistics | data of that node |
 * | total | | (empty) | Totals, while they are known |
 */
export interface KeptResult {
  readonly zxid: number;
  readonly error?: string;
  readonly result?: unknown;
}

export const at = {
  node: (path: string): Address => ({ table: 'node', group: '', key: path }),
  data: (path: string): Address => ({ table: 'data', group: '', key: path }),
  session: (id: number): Address => ({ table: 'session', group: '', key: String(id) }),
  progress: (id: number): Address => ({ table: 'progress', group: '', key: String(id) }),
  result: (session: number, number: number): Address => ({
    table: 'result',
    group: String(session),
    key: String(number),
  }),
  nonce: (nonce: string): Address => ({ table: 'nonce', group: '', key: nonce }),
  ephemeral: (session: number, path: string): Address => ({ table: 'ephemeral', group: String(session), key: path }),
  timed: (path: string): Address => ({ table: 'timed', group: '', key: path }),
  registration: (id: string): Address => ({ table: 'registration', group: '', key: id }),
  quota: (path: string): Address => ({ table: 'quota', group: '', key: path }),
  total: { table: 'total', group: '', key: '' } as Address,
} as const;

export function addressKey(address: Address): string {
  return `${address.table}\u0000${address.group}\u0000${address.key}`;
}

/** Where quotas are kept, and the records of each (Quotas). */
export const QUOTA_ROOT = '/zookeeper/quota';
export const QUOTA_LIMITS = 'zookeeper_limits';
export const QUOTA_STATS = 'zookeeper_stats';

/** A node whose data transactions are judged by. There are none of the root itself. */
export function isQuotaRecord(path: string): boolean {
  if (!path.startsWith(`${QUOTA_ROOT}/`)) return false;
  const end = path.lastIndexOf('/');
  const name = path.slice(end + 1);
  return end > QUOTA_ROOT.length && (name === QUOTA_LIMITS || name === QUOTA_STATS);
}

const EMPTY = new Uint8Array(0);

/**
 * What consecutive LOG entries change in the tables, or in those that are wanted: the last value of each address,
 * absolute, so that it can be repeated. What is set again is not encoded before.
 */
export function mutationsOf(
  entries: LogEntry | readonly LogEntry[],
  isWanted: (table: Table) => boolean = () => true,
): Mutation[] {
  const last = new Map<string, { readonly address: Address; readonly value: Value }>();
  const set: Set = (address, value) => {
    if (!isWanted(address.table)) return;
    const key = addressKey(address);
    last.delete(key);
    last.set(key, { address, value });
  };
  for (const entry of 'id' in entries ? [entries] : entries) eachChange(entry, set);
  return Array.from(last.values(), ({ address, value }) => ({ ...address, value: encoded(value) }));
}

/** null removes. Encoded only where it is the last of its address. */
export type Value = Uint8Array | null | (() => Uint8Array);
type Set = (address: Address, value: Value) => void;

export function encoded(value: Value): Uint8Array | null {
  return typeof value === 'function' ? value() : value;
}

/** Calls `set` for everything that an entry changes, in order: the last of an address is what it has then. */
export function eachChange(entry: LogEntry, set: Set): void {
  for (const transaction of entry.transactions) {
    for (const effect of transaction.effects) applyEffect(effect, set);
    if (transaction.number > 0)
      set(at.result(transaction.session, transaction.number), () => encode(keptResult(transaction)));
  }
  for (const { session, last: lastNumber, lowest, confirmedFrom } of entry.progress) {
    set(at.progress(session), () => encode([lastNumber, lowest]));
    for (let number = confirmedFrom; number < lowest; number++) set(at.result(session, number), null);
  }
  const forgotten = entry.transactions.flatMap((t) => t.effects.filter((effect) => effect.type === 'forget'));
  for (const { session } of forgotten) set(at.progress(session), null);
  const { totals } = entry;
  set(at.total, totals === undefined ? null : () => encode(totals));
}

function applyEffect(effect: Transaction['effects'][number], set: Set): void {
  switch (effect.type) {
    case 'put': {
      set(at.node(effect.path), () => encodeMeta(effect.meta));
      if (effect.data !== undefined) setDataOf(effect.path, () => encode(effect.data), set);
      if (effect.change !== 'created') break;
      if (effect.meta.kind === 'ephemeral') set(at.ephemeral(effect.meta.ephemeralOwner, effect.path), EMPTY);
      if (isTimed(effect.meta.kind)) set(at.timed(effect.path), encode(effect.meta.kind));
      break;
    }
    case 'delete':
      set(at.node(effect.path), null);
      setDataOf(effect.path, null, set);
      if (effect.kind === 'ephemeral') set(at.ephemeral(effect.ephemeralOwner, effect.path), null);
      if (isTimed(effect.kind)) set(at.timed(effect.path), null);
      break;
    case 'session':
      set(at.session(effect.session.id), encode(effect.session satisfies SessionRecord));
      set(at.nonce(effect.session.nonce), encode(effect.session.id));
      break;
    case 'forget':
      set(at.session(effect.session), null);
      set(at.nonce(effect.nonce), null);
      break;
    case 'register':
      set(at.registration(effect.registration.id), encode(effect.registration));
      break;
    case 'unregister':
      set(at.registration(effect.id), null);
      break;
  }
}

function setDataOf(path: string, data: Value, set: Set): void {
  set(at.data(path), data);
  if (isQuotaRecord(path)) set(at.quota(path), data);
}

function isTimed(kind: NodeMeta['kind']): boolean {
  return kind === 'container' || kind === 'ttl';
}

export function encodeMeta(meta: NodeMeta): Uint8Array {
  return encode(meta);
}

function keptResult(transaction: Transaction): KeptResult {
  return {
    zxid: transaction.zxid,
    ...(transaction.error === undefined ? {} : { error: transaction.error }),
    ...(transaction.result === undefined ? {} : { result: transaction.result }),
  };
}

/** Tables that the system store keeps: all but the data, which user storage has. */
export function isKeptInSystemStore(table: Table): boolean {
  return table !== 'data';
}
