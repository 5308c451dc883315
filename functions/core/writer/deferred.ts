import {
  decode,
  decodeChunk,
  decodeNodeObject,
  isWithin,
  type NodeMeta,
  type NodeObject,
  type ReadResult,
  type RegistrationInfo,
  type StorageKeys,
  SystemError,
  toStat,
} from '@faaskeeper/protocol';
import type { Outside } from '../ports.ts';
import { Backoff, RETRY } from '../retry.ts';
import type { Deferred } from '../transactions/index.ts';

/**
 * Answers what needs reading, after the append has proved the judgement: permission is checked, and what is read is at
 * least as new. Answers undefined for a node that has been deleted meanwhile.
 *
 * @throws SystemError when the distributor does not show the node in time; the client asks again.
 */
export async function answerDeferred(outside: Outside, keys: StorageKeys, deferred: Deferred): Promise<unknown> {
  switch (deferred.type) {
    case 'read':
      return readNode(outside, keys, deferred.path, deferred.meta);
    case 'count':
      return countBelow(outside, deferred.path);
    case 'registrations':
      return registrationsOf(outside, deferred.path);
  }
}

async function readNode(
  outside: Outside,
  keys: StorageKeys,
  path: string,
  meta: NodeMeta,
): Promise<ReadResult | undefined> {
  const backoff = new Backoff(outside, RETRY.visible);
  for (;;) {
    const found = await newest(outside, keys, path);
    if (found?.state === 'absent' && found.zxid > meta.czxid) return undefined;
    if (found?.state === 'node' && covers(found.meta, meta)) {
      const children = await childrenOf(outside, keys, found);
      if (children !== undefined) return { zxid: found.zxid, stat: toStat(found.meta), data: found.data, children };
    }
    if (!(await backoff.wait())) throw new SystemError(`${path} is not visible yet`, { path });
  }
}

/** A node is at its protected place, or at the public one if its ACL has changed meanwhile; the newer is right. */
async function newest(outside: Outside, keys: StorageKeys, path: string): Promise<NodeObject | undefined> {
  const [hidden, open] = await Promise.all(
    [keys.protectedNode(path), keys.node(path)].map(async (key) => {
      const object = await outside.objects.get(key);
      return object === undefined ? undefined : decodeNodeObject(object.body, path);
    }),
  );
  if (open === undefined || open.state === 'protected') return hidden ?? open;
  return hidden === undefined || open.zxid >= hidden.zxid ? open : hidden;
}

function covers(found: Pick<NodeMeta, 'czxid' | 'mzxid' | 'pzxid' | 'aversion'>, wanted: NodeMeta): boolean {
  if (found.czxid !== wanted.czxid) return found.czxid > wanted.czxid;
  return found.mzxid >= wanted.mzxid && found.pzxid >= wanted.pzxid && found.aversion >= wanted.aversion;
}

/** Undefined when a chunk is gone: the node has changed, so it is read again. */
async function childrenOf(
  outside: Outside,
  keys: StorageKeys,
  node: Extract<NodeObject, { state: 'node' }>,
): Promise<string[] | undefined> {
  if (node.children.in === 'object') return node.children.names;
  const chunks = await Promise.all(
    node.children.chunks.map(async ({ id }) => {
      const [hidden, open] = await Promise.all([
        outside.objects.get(keys.protectedChunk(node.path, id)),
        outside.objects.get(keys.chunk(node.path, id)),
      ]);
      const body = (hidden ?? open)?.body;
      return body === undefined ? undefined : decodeChunk(body, node.path);
    }),
  );
  return chunks.includes(undefined) ? undefined : chunks.flatMap((chunk) => chunk ?? []);
}

async function countBelow(outside: Outside, path: string): Promise<number> {
  let count = 0;
  for await (const page of outside.system.scan('node', '')) {
    for (const [candidate] of page) if (candidate !== path && isWithin(candidate, path)) count += 1;
  }
  return count;
}

async function registrationsOf(outside: Outside, path: string): Promise<RegistrationInfo[]> {
  const found: RegistrationInfo[] = [];
  for await (const page of outside.system.scan('registration', '')) {
    for (const [, value] of page) {
      const registration = decode(value, 'registration') as RegistrationInfo;
      const { id, kind, sink, zxid } = registration;
      if (registration.path === path) found.push({ id, path, kind, sink, zxid });
    }
  }
  return found.sort((a, b) => a.zxid - b.zxid || a.id.localeCompare(b.id));
}
