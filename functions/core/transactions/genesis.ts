import { type Acl, type NodeMeta, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from '@faaskeeper/protocol';
import type { Effect, LogEntry } from '../log-entry.ts';

/**
 * What every tree begins with, at zxid 0, as in DataTree's constructor: these children are not counted as created, so
 * a fresh root shows cversion -1.
 */
export function genesis(id: string): LogEntry {
  return {
    id,
    time: 0,
    zxidBefore: 0,
    zxid: 0,
    transactions: [
      {
        zxid: 0,
        session: 0,
        number: 0,
        effects: [
          born('/', 1, OPEN_ACL_UNSAFE),
          born('/zookeeper', 2, OPEN_ACL_UNSAFE),
          born('/zookeeper/config', 0, READ_ACL_UNSAFE),
          born('/zookeeper/quota', 0, OPEN_ACL_UNSAFE),
        ],
      },
    ],
    progress: [],
    totals: [4, 0, 0],
  };
}

function born(path: string, numChildren: number, acl: readonly Acl[]): Effect {
  const meta: NodeMeta = {
    czxid: 0,
    mzxid: 0,
    pzxid: 0,
    ctime: 0,
    mtime: 0,
    version: 0,
    aversion: 0,
    created: 0,
    numChildren,
    dataLength: 0,
    kind: 'persistent',
    ephemeralOwner: 0,
    ttl: 0,
    acl,
  };
  return { type: 'put', path, change: 'created', meta, data: new Uint8Array(0) };
}
