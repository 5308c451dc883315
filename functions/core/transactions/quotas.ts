import { type NodeMeta, nodeName } from '@faaskeeper/protocol';
import { isQuotaRecord, QUOTA_LIMITS, QUOTA_ROOT, QUOTA_STATS } from '../tables.ts';
import { type Context, Refusal } from './rules.ts';
import type { Draft } from './state.ts';
import { count } from './totals.ts';

/**
 * ZooKeeper's quotas: `/zookeeper/quota/PATH/zookeeper_limits` says what PATH and all below it may hold, and
 * `zookeeper_stats` beside it what they do. Only the nearest quota above a node counts it, as in ZooKeeper.
 */

/** Levels of quotas that are looked at one after the other; what is deeper is loaded at once. */
const STEPPED_LEVELS = 6;

/** StatsTrack: what it does not say is -1, "no limit" or "unknown". */
type Record = ReadonlyMap<string, number>;

/** What a path and all below it hold. */
export type Subtree = readonly [nodes: number, bytes: number];

/**
 * Counts a change at `path` in the statistics of its quota.
 *
 * @throws Refusal QuotaExceeded beyond a hard limit (where limits are enforced and something is added);
 * MarshallingError where the limits cannot be read, as in ZooKeeper.
 */
export function countInQuota(
  draft: Draft,
  path: string,
  change: { readonly nodes: number; readonly bytes: number },
  context: Context,
  how: 'check' | 'only count',
): void {
  const quota = quotaOf(draft, path);
  if (quota === undefined) return;
  const statsPath = `${QUOTA_ROOT}${quota}/${QUOTA_STATS}`;
  if (draft.node(statsPath) === null) return;
  const enforced = how === 'check' && context.enforceQuota === true;
  const stats = parse(draft.get('quota', statsPath));
  if (enforced) {
    const limits = parse(draft.get('quota', `${QUOTA_ROOT}${quota}/${QUOTA_LIMITS}`));
    if (limits === undefined || stats === undefined) throw new Refusal('MarshallingError');
    enforce(limits.get('countHardLimit'), stats.get('count'), change.nodes);
    enforce(limits.get('byteHardLimit'), stats.get('bytes'), change.bytes);
  }
  if (stats === undefined) return;
  const { nodes, bytes } = change;
  const after = new Map(stats).set('count', (stats.get('count') ?? -1) + nodes);
  setStats(draft, statsPath, after.set('bytes', (stats.get('bytes') ?? -1) + bytes));
}

function enforce(limit = -1, before = -1, change = 0): void {
  if (change !== 0 && limit > -1 && before + change > limit) throw new Refusal('QuotaExceeded');
}

/** The nearest path at or above this one that has limits. */
function quotaOf(draft: Draft, path: string): string | undefined {
  if ((draft.node(QUOTA_ROOT)?.numChildren ?? 0) === 0) return undefined;
  let nearest: string | undefined;
  let prefix = '';
  for (const [level, name] of path.split('/').slice(1).entries()) {
    prefix = `${prefix}/${name}`;
    const at = QUOTA_ROOT + prefix;
    const node = draft.node(at);
    if (node === null && level < STEPPED_LEVELS) break;
    const records = [QUOTA_LIMITS, QUOTA_STATS].map((record) => draft.node(`${at}/${record}`));
    if (records[0] !== null) nearest = prefix;
    // Only records there: no quota is below, and no path below needs to be looked for.
    const found = records.filter((record) => record !== null).length;
    if (level < STEPPED_LEVELS && (node?.numChildren ?? 0) <= found) break;
  }
  return nearest;
}

/** Keeps the content of a record where transactions can see it; new statistics are counted from the tree. */
export function recordCreated(draft: Draft, path: string, data: Uint8Array | null): void {
  if (!isQuotaRecord(path)) return;
  draft.set('quota', path, data);
  if (nodeName(path) !== QUOTA_STATS) return;
  const [nodes, bytes] = draft.subtree(path.slice(QUOTA_ROOT.length, -`/${QUOTA_STATS}`.length));
  const counted = [
    ['count', nodes],
    ['bytes', bytes],
  ] as const;
  setStats(draft, path, new Map(counted));
}

export function recordChanged(draft: Draft, path: string, data: Uint8Array | null): void {
  if (isQuotaRecord(path)) draft.set('quota', path, data);
}

/** Neither its version nor mzxid change, and no watch tells: it is no write of anyone's. */
function setStats(draft: Draft, path: string, stats: Record): void {
  const before = draft.node(path);
  if (before === null) return;
  const data = new TextEncoder().encode(format(stats));
  count(draft, { bytes: data.length - before.dataLength }, undefined);
  const meta: NodeMeta = { ...before, dataLength: data.length };
  draft.set('node', path, meta);
  draft.set('quota', path, data);
  draft.effects.push({ type: 'put', path, change: 'acl', meta, data });
}

/** undefined: it is no record. */
function parse(data: Uint8Array | null): Record | undefined {
  const record = new Map<string, number>();
  if (data === null || data.length === 0) return record;
  for (const pair of new TextDecoder().decode(data).split(/[,;]+/)) {
    const [key = '', value = ''] = pair.split('=');
    const number = Number(value);
    if (!/^[+-]?\d+$/.test(value) || !Number.isSafeInteger(number)) return undefined;
    record.set(key, number);
  }
  return record;
}

/** As StatsTrack writes it: readable for clients of ZooKeeper before 3.7, too. */
function format(record: Record): string {
  const known = `count=${record.get('count') ?? -1},bytes=${record.get('bytes') ?? -1}`;
  const others = [...record.keys()].filter((key) => key !== 'count' && key !== 'bytes').sort();
  return others.length === 0 ? known : `${known}=${others.map((key) => `;${key}=${record.get(key)}`).join('')}`;
}
