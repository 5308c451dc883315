import type { Acl } from './acl.ts';

/** ZooKeeper's Stat. Times are ms since the epoch, lengths are bytes, zxids are whole numbers below 2^53. */
export interface Stat {
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** Session id of the owner of an ephemeral node, 0 otherwise. */
  readonly ephemeralOwner: number;
  readonly dataLength: number;
  readonly numChildren: number;
}

export type NodeKind = 'persistent' | 'ephemeral' | 'container' | 'ttl';

/** All that the system keeps of a znode besides its data and its children's names. */
export interface NodeMeta {
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly aversion: number;
  /** Children ever created here; gives sequence numbers, and cversion by ZooKeeper's formula. */
  readonly created: number;
  readonly numChildren: number;
  readonly dataLength: number;
  readonly kind: NodeKind;
  /** Session id, 0 unless ephemeral. */
  readonly ephemeralOwner: number;
  /** Time to live in ms, 0 unless kind is ttl. */
  readonly ttl: number;
  readonly acl: readonly Acl[];
}

/** cversion counts creates and deletes: twice the creates less the children that are left (DataNode.copyStat). */
export function toStat(meta: Omit<NodeMeta, 'acl'>): Stat {
  return {
    czxid: meta.czxid,
    mzxid: meta.mzxid,
    pzxid: meta.pzxid,
    ctime: meta.ctime,
    mtime: meta.mtime,
    version: meta.version,
    cversion: meta.created * 2 - meta.numChildren,
    aversion: meta.aversion,
    ephemeralOwner: meta.ephemeralOwner,
    dataLength: meta.dataLength,
    numChildren: meta.numChildren,
  };
}
