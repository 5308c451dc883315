import type { Acl, ChangeKind, Stat } from '@faaskeeper/protocol';
import type { NodeState } from '../reads/node-state.ts';
import type { SessionState } from '../session/states.ts';

export const WATCH_EVENT_TYPES = ['NodeCreated', 'NodeDeleted', 'NodeDataChanged', 'NodeChildrenChanged'] as const;
export type WatchEventType = (typeof WATCH_EVENT_TYPES)[number];

export interface WatchEvent {
  readonly type: WatchEventType;
  readonly path: string;
  /** Transaction that changed the node. */
  readonly zxid: number;
  readonly state: SessionState;
}

export type WatchCallback = (event: WatchEvent) => void;

/** ZooKeeper's AddWatchMode. */
export type AddWatchMode = 'PERSISTENT' | 'PERSISTENT_RECURSIVE';

/** What removeWatches and checkWatches look at (ZooKeeper's WatcherType). `data` are those of getData and exists. */
export const WATCH_KINDS = ['data', 'children', 'persistent', 'persistentRecursive', 'any'] as const;
export type WatchKind = (typeof WATCH_KINDS)[number];

export const EVENT_TYPES: Readonly<Record<Exclude<ChangeKind, 'acl'>, WatchEventType>> = {
  created: 'NodeCreated',
  deleted: 'NodeDeleted',
  data: 'NodeDataChanged',
  children: 'NodeChildrenChanged',
};

/** One change of one node. Order is (zxid, index). */
export interface Change {
  readonly path: string;
  readonly zxid: number;
  readonly index: number;
  readonly kind: ChangeKind;
  /** Who may hear of it; undefined: who watches. */
  readonly acl?: readonly Acl[] | undefined;
}

/** What a watch is based on: the node as its holder last knew it. */
export interface Known {
  readonly zxid: number;
  readonly exists: boolean;
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
}

export function knownOf(zxid: number, stat: Stat | undefined): Known {
  if (stat === undefined) return { zxid, exists: false, czxid: 0, mzxid: 0, pzxid: 0 };
  return { zxid, exists: true, czxid: stat.czxid, mzxid: stat.mzxid, pzxid: stat.pzxid };
}

export function knownOfNode(node: Exclude<NodeState, { state: 'protected' }>): Known {
  return knownOf(node.zxid, node.state === 'node' ? node.stat : undefined);
}

/** The node as it is known after a change. */
export function after(known: Known, { zxid, kind }: Change): Known {
  switch (kind) {
    case 'created':
      return { zxid, exists: true, czxid: zxid, mzxid: zxid, pzxid: zxid };
    case 'deleted':
      return { zxid, exists: false, czxid: 0, mzxid: 0, pzxid: 0 };
    case 'data':
      return { ...known, zxid, mzxid: zxid };
    case 'children':
      return { ...known, zxid, pzxid: zxid };
    case 'acl':
      return { ...known, zxid };
  }
}

/**
 * The changes that lead from what was known to what is there now, as ZooKeeper's setWatches sees them: several changes
 * of one kind are one; czxid tells a node that was deleted and created again. `deletedAt` dates a deletion that left no
 * trace of its own.
 */
export function missedChanges(path: string, known: Known, now: Known, deletedAt: number): Change[] {
  const changes: Change[] = [];
  const add = (kind: ChangeKind, zxid: number) => changes.push({ path, zxid, index: changes.length, kind });
  if (known.exists && !now.exists) {
    add('deleted', now.zxid > 0 ? now.zxid : deletedAt);
    return changes;
  }
  if (!now.exists) return changes;
  const recreated = known.exists && known.czxid !== now.czxid;
  if (recreated) add('deleted', now.czxid);
  if (recreated || !known.exists) add('created', now.czxid);
  const base = recreated || !known.exists ? { mzxid: now.czxid, pzxid: now.czxid } : known;
  if (now.mzxid > base.mzxid) add('data', now.mzxid);
  if (now.pzxid > base.pzxid) add('children', now.pzxid);
  return changes;
}
