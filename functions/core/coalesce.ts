import {
  type Acl,
  type ChangeKind,
  HaltedError,
  isWorldReadable,
  type NodeMeta,
  nodeName,
  parentPath,
} from '@faaskeeper/protocol';
import type { Effect, LogEntry } from './log-entry.ts';

export interface Change {
  readonly zxid: number;
  /** Index of the effect in its transaction. */
  readonly index: number;
  readonly kind: ChangeKind;
  /** Anyone may read the node as this change leaves it (a deleted one: as it found it, if that is in the batch). */
  readonly readable: boolean;
  /** Who may hear of it. undefined: nobody can say, or nobody hears of such a change. */
  readonly acl?: readonly Acl[] | undefined;
}

/** What becomes of one node in a batch of entries. */
export interface NodeChange {
  readonly path: string;
  /** Last transaction that changed the node's object. */
  zxid: number;
  /** undefined: the node is absent after the batch. */
  meta: NodeMeta | undefined;
  /** undefined: as it was. */
  data: Uint8Array | null | undefined;
  /** Created in this batch: nothing of the stored object is left in it. */
  fresh: boolean;
  /** The batch's first change of it is its creation: there was no node before. */
  wasAbsent: boolean;
  /** Not everyone could read it at some point of this batch. */
  wasProtected: boolean;
  /** Children made (true) or removed (false), by name. */
  readonly children: Map<string, boolean>;
  readonly changes: Change[];
  /** The stored object is damaged or lost. */
  repair?: boolean;
}

/** The final state of each node that the entries change, in the order of their first change. */
export function coalesce(entries: Iterable<LogEntry>): Map<string, NodeChange> {
  const nodes = new Map<string, NodeChange>();
  for (const { transactions } of entries) {
    for (const { zxid, effects } of transactions) {
      effects.forEach((effect, index) => {
        if (effect.type === 'put') put(nodes, effect, { zxid, index, kind: effect.change });
        if (effect.type === 'delete') remove(nodes, effect, { zxid, index, kind: 'deleted' });
        if (effect.type === 'repair') Object.assign(nodeOf(nodes, effect.path), { repair: true, zxid });
      });
    }
  }
  for (const { path, changes, repair } of nodes.values()) {
    if (changes.length === 0 && repair !== true)
      throw new HaltedError(`LOG changes children of ${path} without its meta data`, { path });
  }
  return nodes;
}

type Bare = Omit<Change, 'readable' | 'acl'>;

function put(nodes: Map<string, NodeChange>, effect: Effect & { type: 'put' }, change: Bare): void {
  const node = nodeOf(nodes, effect.path);
  if (change.kind === 'created') {
    if (node.changes.length === 0) node.wasAbsent = true;
    node.fresh = true;
    node.data = null;
    noteChild(nodes, effect.path, true);
  }
  node.meta = effect.meta;
  if (effect.data !== undefined) node.data = effect.data;
  const { acl } = effect.meta;
  record(node, { ...change, readable: isWorldReadable(acl), acl: change.kind === 'acl' ? undefined : acl });
}

function remove(nodes: Map<string, NodeChange>, effect: Effect & { type: 'delete' }, change: Bare): void {
  const { path } = effect;
  const node = nodeOf(nodes, path);
  const acl = effect.acl ?? node.meta?.acl;
  // The effect names who may hear of it where not everyone may.
  const readable = node.changes.at(-1)?.readable ?? effect.acl === undefined;
  node.meta = undefined;
  node.data = null;
  node.fresh = true;
  node.children.clear();
  noteChild(nodes, path, false);
  record(node, { ...change, readable, acl });
}

function noteChild(nodes: Map<string, NodeChange>, path: string, present: boolean): void {
  if (path !== '/') nodeOf(nodes, parentPath(path)).children.set(nodeName(path), present);
}

function record(node: NodeChange, change: Change): void {
  node.zxid = change.zxid;
  node.changes.push(change);
  if (!change.readable) node.wasProtected = true;
}

function nodeOf(nodes: Map<string, NodeChange>, path: string): NodeChange {
  let node = nodes.get(path);
  if (node === undefined) {
    node = {
      path,
      zxid: 0,
      meta: undefined,
      data: undefined,
      fresh: false,
      wasAbsent: false,
      wasProtected: false,
      children: new Map(),
      changes: [],
    };
    nodes.set(path, node);
  }
  return node;
}

/**
 * The changes that any client may hear of: anyone could read the node before and after. `wasReadable` says so of the
 * node before the batch.
 */
export function publicChanges({ changes }: Pick<NodeChange, 'changes'>, wasReadable: boolean): Change[] {
  return changes.filter((change, i) => {
    const before = changes[i - 1];
    const fromNothing = change.kind === 'created';
    // Only a change of the ACL changes who may read, and only a deletion does not say by itself.
    const told = before === undefined && change.kind !== 'acl' && change.kind !== 'deleted';
    return change.readable && (fromNothing || told || (before?.readable ?? wasReadable));
  });
}
