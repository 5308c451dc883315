import { type ChangeKind, countDigest, feedDigest, isWithin, protectedDigest } from '@faaskeeper/protocol';
import type { Subscription } from '../ports.ts';
import type { Step } from '../watermark.ts';
import type { Change, Known, WatchCallback, WatchKind } from './events.ts';

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
  readonly public: Heard;
  /** ... on the system's subjects. */
  readonly system: Heard;
}

/** What was heard of a watched path, on one kind of subjects. */
export interface Heard {
  /** zxid of the last change of this node. */
  own: number;
  /** ... of this node or one below it, for recursive watches; at least the watermark at which the first was set. */
  below: number;
  node: Subscription | undefined;
  subtree: Subscription | undefined;
}

export interface HeardChange extends Change {
  /** Without: found out by reading. */
  readonly feed?: Feed;
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
    public: nothingHeard(),
    system: nothingHeard(),
  };
}

/** Whether a change of the node was not heard. One with changes that are not for everyone has all of them in one message. */
export function lacksNode(watched: WatchedPath, { entries }: Step, ofSystem: boolean): boolean {
  if (entries === null) return true;
  const { path, digest, known, public: heard, system } = watched;
  const zxid = entries.get(digest) ?? -1;
  if (zxid <= (known?.zxid ?? -1)) return false;
  const hidden = ofSystem ? entries.get(protectedDigest(path)) : undefined;
  return hidden === undefined ? zxid > heard.own : hidden > system.own;
}

/** Whether a change at or below a path that is watched recursively was not heard. Says so once. */
export function lacksBelow(
  watched: WatchedPath,
  step: Step,
  { heard, ofSystem }: { heard: readonly HeardChange[]; ofSystem: boolean },
): boolean {
  const lacksPublic = lacksOf(watched, step, 'public', heard);
  return (ofSystem && lacksOf(watched, step, 'system', heard)) || lacksPublic;
}

function lacksOf(watched: WatchedPath, step: Step, feed: Feed, all: readonly HeardChange[]): boolean {
  const { path, [feed]: heard } = watched;
  const { entries, exact, zxid } = step;
  const digest = feed === 'public' ? feedDigest(path, true) : protectedDigest(path, true);
  const last = entries === null ? zxid : (entries.get(digest) ?? -1);
  const lacks = last > heard.below;
  heard.below = Math.max(heard.below, last);
  const nodes = exact === true ? (entries?.get(countDigest(path, feed === 'system')) ?? 0) : 0;
  return lacks || (nodes > 0 && nodes > nodesHeard(all, path, feed, zxid));
}

/** Nodes at or below the path of which something was heard that the watermark, about to become `zxid`, covers. */
function nodesHeard(all: readonly HeardChange[], root: string, feed: Feed, zxid: number): number {
  const paths = new Set<string>();
  for (const change of all) {
    const counts = change.feed === feed && (feed === 'public' || change.acl !== undefined);
    if (counts && change.zxid <= zxid && isToldBelow(change.kind) && isWithin(change.path, root))
      paths.add(change.path);
  }
  return paths.size;
}

/** What is told below a path that is watched from now on is not missed. */
export function heardUntilNow(watched: WatchedPath, watermark: number, all: readonly HeardChange[]): void {
  const { path, public: heard, system } = watched;
  heard.below = Math.max(heard.below, watermark);
  system.below = Math.max(system.below, watermark);
  for (const change of all) {
    if (!isToldBelow(change.kind) || !isWithin(change.path, path)) continue;
    const one = change.acl === undefined ? heard : system;
    one.below = Math.max(one.below, change.zxid);
  }
}

/** What recursive watches tell, and subtree digests name. */
export function isToldBelow(kind: ChangeKind): boolean {
  return kind !== 'children' && kind !== 'acl';
}
