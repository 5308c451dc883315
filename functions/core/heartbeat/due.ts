import { type NodeMeta, type SystemOperation, toStat } from '@faaskeeper/protocol';

/**
 * The deletion that a container or TTL node is due for, as ZooKeeper's ContainerManager decides it: a container that
 * had children and has none left (one that never had any stays); a TTL node without children that was not modified for
 * longer than its time to live.
 *
 * @param now ms
 */
export function dueDeletion(path: string, meta: NodeMeta, now: number): SystemOperation | undefined {
  if (meta.numChildren > 0) return undefined;
  const { cversion } = toStat(meta);
  if (meta.kind === 'container' && meta.created > 0) {
    return { type: 'deleteContainer', path, czxid: meta.czxid, cversion };
  }
  if (meta.kind === 'ttl' && meta.mtime + meta.ttl < now) {
    return { type: 'deleteTtl', path, czxid: meta.czxid, mzxid: meta.mzxid, cversion };
  }
  return undefined;
}
