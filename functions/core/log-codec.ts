/**
 * LOG entries as positions instead of names: a write is packed once and unpacked two or three times, and names were most
 * of the work. Absent parts are told by the length of a row.
 */
import {
  type Acl,
  type ErrorCode,
  MarshallingError,
  type NodeKind,
  type NodeMeta,
  OPEN_ACL_UNSAFE,
  Permission,
  type Stat,
} from '@faaskeeper/protocol';
import type { Effect, LogEntry, Progress, Totals, Transaction } from './log-entry.ts';

type Row = readonly unknown[];

const EFFECT = { put: 0, delete: 1, other: 2 } as const;
const RESULT = { stat: 0, created: 1, other: 2 } as const;
const STAT_FIELDS = 11;
/** Stands for the ACL that nearly every node has. */
const IS_OPEN = 0;

export function toRow(entry: LogEntry): Row {
  const { id, time, zxidBefore, zxid, transactions, progress, totals } = entry;
  const sessions = progress.map(({ session, last, lowest, confirmedFrom }) => [session, last, lowest, confirmedFrom]);
  const row = [id, time, zxidBefore, zxid, transactions.map(transactionRow), sessions];
  return totals === undefined ? row : [...row, totals];
}

/** @throws MarshallingError */
export function fromRow(row: unknown): LogEntry {
  const [id, time, zxidBefore, zxid, transactions, progress, totals] = rowOf(row);
  return {
    id: id as string,
    time: time as number,
    zxidBefore: zxidBefore as number,
    zxid: zxid as number,
    transactions: rowOf(transactions).map(transactionOf),
    progress: rowOf(progress).map(progressOf),
    ...(totals === undefined || totals === null ? {} : { totals: totals as Totals }),
  };
}

function transactionRow({ zxid, session, number, error, result, effects }: Transaction): Row {
  const row = [zxid, session, number, error ?? null, effects.map(effectRow)];
  return result === undefined ? row : [...row, resultRow(result)];
}

function transactionOf(value: unknown): Transaction {
  const row = rowOf(value);
  const [zxid, session, number, error, effects] = row;
  const always = { zxid: zxid as number, session: session as number, number: number as number };
  const failed = error === null ? {} : { error: error as ErrorCode };
  const kept = row.length > 5 ? { result: resultOf(row[5]) } : {};
  return { ...always, ...failed, ...kept, effects: rowOf(effects).map(effectOf) };
}

function progressOf(value: unknown): Progress {
  const [session, last, lowest, confirmedFrom] = rowOf(value) as readonly number[];
  return { session, last, lowest, confirmedFrom } as Progress;
}

function effectRow(effect: Effect): Row {
  switch (effect.type) {
    case 'put': {
      const row = [EFFECT.put, effect.path, effect.change, metaRow(effect.meta)];
      return effect.data === undefined ? row : [...row, effect.data];
    }
    case 'delete': {
      const row = [EFFECT.delete, effect.path, effect.kind, effect.ephemeralOwner];
      return effect.acl === undefined ? row : [...row, effect.acl];
    }
    default:
      return [EFFECT.other, effect];
  }
}

function effectOf(value: unknown): Effect {
  const row = rowOf(value);
  const [kind, path] = row as readonly [unknown, string];
  switch (kind) {
    case EFFECT.put: {
      const put = { type: 'put', path, change: row[2] as 'data', meta: metaOf(row[3]) } as const;
      return row.length > 4 ? { ...put, data: row[4] as Uint8Array | null } : put;
    }
    case EFFECT.delete: {
      const [, , nodeKind, ephemeralOwner] = row as readonly [unknown, unknown, NodeKind, number];
      const gone = { type: 'delete', path, kind: nodeKind, ephemeralOwner } as const;
      return row.length > 4 ? { ...gone, acl: row[4] as readonly Acl[] } : gone;
    }
    case EFFECT.other:
      if (typeof row[1] === 'object' && row[1] !== null) return row[1] as Effect;
  }
  throw new MarshallingError('A LOG entry has an effect of an unknown kind');
}

function metaRow(meta: NodeMeta): Row {
  const { czxid, mzxid, pzxid, ctime, mtime, version, aversion, created, numChildren, dataLength } = meta;
  const { kind, ephemeralOwner, ttl, acl } = meta;
  const counts = [czxid, mzxid, pzxid, ctime, mtime, version, aversion, created, numChildren, dataLength];
  return [...counts, kind, ephemeralOwner, ttl, isOpen(acl) ? IS_OPEN : acl];
}

function metaOf(value: unknown): NodeMeta {
  const row = rowOf(value);
  const [czxid, mzxid, pzxid, ctime, mtime, version, aversion, created, numChildren, dataLength] = row as number[];
  const acl = row[13];
  return {
    czxid,
    mzxid,
    pzxid,
    ctime,
    mtime,
    version,
    aversion,
    created,
    numChildren,
    dataLength,
    kind: row[10],
    ephemeralOwner: row[11],
    ttl: row[12],
    acl: acl === IS_OPEN ? OPEN_ACL_UNSAFE : rowOf(acl),
  } as NodeMeta;
}

function isOpen(acl: readonly Acl[]): boolean {
  const [only] = acl;
  return acl.length === 1 && only?.permissions === Permission.ALL && only.scheme === 'world' && only.id === 'anyone';
}

function resultRow(result: unknown): Row {
  if (typeof result === 'object' && result !== null) {
    const { length } = Object.keys(result);
    if (length === STAT_FIELDS && 'czxid' in result) return [RESULT.stat, ...statRow(result as Stat)];
    if (length === 2 && 'path' in result && 'stat' in result)
      return [RESULT.created, result.path, ...statRow(result.stat as Stat)];
  }
  return [RESULT.other, result];
}

function resultOf(value: unknown): unknown {
  const row = rowOf(value);
  switch (row[0]) {
    case RESULT.stat:
      return statOf(row, 1);
    case RESULT.created:
      return { path: row[1], stat: statOf(row, 2) };
    case RESULT.other:
      return row[1];
  }
  throw new MarshallingError('A LOG entry has a result of an unknown kind');
}

function statRow(stat: Stat): Row {
  const { czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion } = stat;
  const { ephemeralOwner, dataLength, numChildren } = stat;
  const counts = [czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion];
  return [...counts, ephemeralOwner, dataLength, numChildren];
}

function statOf(row: Row, at: number): Stat {
  return {
    czxid: row[at],
    mzxid: row[at + 1],
    pzxid: row[at + 2],
    ctime: row[at + 3],
    mtime: row[at + 4],
    version: row[at + 5],
    cversion: row[at + 6],
    aversion: row[at + 7],
    ephemeralOwner: row[at + 8],
    dataLength: row[at + 9],
    numChildren: row[at + 10],
  } as Stat;
}

function rowOf(value: unknown): Row {
  if (!Array.isArray(value)) throw new MarshallingError('A LOG entry has no rows where it should');
  return value;
}
