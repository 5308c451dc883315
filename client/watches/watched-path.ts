import { type ChangeKind, countDigest, feedDigest, isWithin, protectedDigest } from '@faaskeeper/protocol';
import type { Subscription } from '../ports.ts';
import type { Step } from '../watermark.ts';
import { after, type Change, type Known, type WatchCallback, type WatchKind } from './events.ts';

export type Kept = Exclude<WatchKind, 'any'>;
/** Where changes are told: to everyone, or (with the rest) to the system. */
export type Feed = 'public' | 'system';
export const KEPT: readonly Kept[] = ['data', 'children', 'persistent', 'persistentRecursive'];

/** All that a session watches at one path. It exists, and is subscribed to, while somebody watches or is about to. */
export interface WatchedPath {
  readonly path: string;
  readonly digest: bigint;
  readonly sets: Readonly<Record<Kept, Set<WatchCallback>>>;
  /** Reads under way that may set a watch here. */
  preparing: number;
  preparingRecursive: number;
  known: Known | undefined;
  /** Every change of the node up to this zxid was heard, or read. */
  complete: number;
  readonly public: Heard;
  /** ... on the system's subjects. */
  readonly system: Heard;
}

/** What was heard of a watched path, on one kind of subjects. */
export interface Heard {
  /** zxid of the last change of this node. */
  own: number;
  /** Every change of this node or one below it, up to this zxid, was heard, or is said to be missed. */
  below: number;
  node: Subscription | undefined;
  subtree: Subscription | undefined;
}

export interface HeardChange extends Change {
  /** Without: found out by reading. */
  readonly feed?: Feed;
  /** The node as it is, of a change that was before it could be read. */
  readonly shows?: Known;
}

export function knownAfter(known: Known, change: HeardChange): Known {
  return change.shows === undefined ? after(known, change) : { ...change.shows, zxid: change.zxid };
}

function nothingHeard(): Heard {
  return { own: -1, below: -1, node: undefined, subtree: undefined };
}

export function watchedPath(path: string): WatchedPath {
  return {
    path,
    digest: feedDigest(path),
    sets: { data: new Set(), children: new Set(), persistent: new Set(), persistentRecursive: new Set() },
    preparing: 0,
    preparingRecursive: 0,
    known: undefined,
    complete: -1,
    public: nothingHeard(),
    system: nothingHeard(),
  };
}

/** What a step is held against. */
interface Hearing {
  readonly heard: readonly HeardChange[];
  /** Every change up to this zxid has been told. */
  readonly toldTo: number;
  /** The system's subjects are heard as well. */
  readonly ofSystem: boolean;
}

/** Whether a change of the node was not heard. One with changes that are not for everyone has all of them in one message. */
export function lacksNode(watched: WatchedPath, { entries }: Step, { heard, ofSystem, toldTo }: Hearing): boolean {
  if (entries === null) return true;
  const { path, digest, known, complete } = watched;
  const zxid = entries.get(digest) ?? -1;
  if (zxid <= Math.max(known?.zxid ?? -1, complete, toldTo)) return false;
  const hidden = ofSystem ? entries.get(protectedDigest(path)) : undefined;
  const [last, feed] = hidden === undefined ? ([zxid, 'public'] as const) : ([hidden, 'system'] as const);
  const { own } = watched[feed];
  // A later change that was heard does not make up for it.
  return own > last
    ? !heard.some((change) => change.zxid === last && change.path === path && change.feed === feed)
    : own < last;
}

/** Whether a change at or below a path that is watched recursively was not heard. Says so once. */
export function lacksBelow(watched: WatchedPath, step: Step, hearing: Hearing): boolean {
  const lacksPublic = lacksOf(watched, step, 'public', hearing);
  return (hearing.ofSystem && lacksOf(watched, step, 'system', hearing)) || lacksPublic;
}

function lacksOf(watched: WatchedPath, step: Step, feed: Feed, { heard: all, toldTo }: Hearing): boolean {
  const { path, [feed]: heard } = watched;
  const { entries, exact, zxid } = step;
  const from = Math.max(heard.below, toldTo);
  heard.below = Math.max(from, zxid);
  if (entries === null) return zxid > from;
  const last = entries.get(feed === 'public' ? feedDigest(path, true) : protectedDigest(path, true)) ?? -1;
  if (last <= from) return false;
  const changes = heardBelow(all, path, feed, zxid);
  const nodes = exact === true ? (entries.get(countDigest(path, feed === 'system')) ?? 1) : 1;
  return !changes.some((change) => change.zxid === last) || new Set(changes.map((change) => change.path)).size < nodes;
}

/** What was heard of nodes at or below the path and is covered by the watermark, about to become `zxid`. */
function heardBelow(all: readonly HeardChange[], root: string, feed: Feed, zxid: number): HeardChange[] {
  return all.filter(
    (change) =>
      change.feed === feed &&
      (feed === 'public' || change.acl !== undefined) &&
      change.zxid <= zxid &&
      isToldBelow(change.kind) &&
      isWithin(change.path, root),
  );
}

/** What recursive watches tell, and subtree digests name. */
export function isToldBelow(kind: ChangeKind): boolean {
  return kind !== 'children' && kind !== 'acl';
}
