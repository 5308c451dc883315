import {
  DamagedError,
  decode,
  decodeChunk,
  decodeData,
  decodeNodeObject,
  type FaaSKeeperError,
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
import { readWatermark } from '../stored-watermark.ts';
import type { Deferred } from '../transactions/index.ts';
import type { Repairs } from './repairs.ts';

/**
 * Answers what needs reading, after the append has proved the judgement: permission is checked, and what is read is at
 * least as new. Answers undefined for a node that has been deleted meanwhile.
 *
 * @throws SystemError when the distributor does not show the node in time: the client asks again; DamagedError when the
 * node's object is damaged and is not repaired by then.
 */
export async function answerDeferred(
  outside: Outside,
  keys: StorageKeys,
  deferred: Deferred,
  repairs: Pick<Repairs, 'ask'>,
): Promise<unknown> {
  switch (deferred.type) {
    case 'read':
      return readNode(outside, keys, deferred, repairs);
    case 'count':
      return countBelow(outside, deferred.path);
    case 'registrations':
      return registrationsOf(outside, deferred.path);
  }
}

/** Every so many looks at a node that is not there as it should be, it is asked whether it should be visible by now. */
const LOOKS = 4;

async function readNode(
  outside: Outside,
  keys: StorageKeys,
  { path, meta }: { readonly path: string; readonly meta: NodeMeta },
  repairs: Pick<Repairs, 'ask'>,
): Promise<ReadResult | undefined> {
  const backoff = new Backoff(outside, RETRY.visible);
  for (let look = 1; ; look++) {
    let failure: FaaSKeeperError = new SystemError(`${path} is not visible yet`, { path });
    const isDue = look % LOOKS === 0 && (await isVisible(outside, keys, meta));
    try {
      const { found, lacksStub } = await newest(outside, keys, path);
      if (lacksStub && (await isVisible(outside, keys, meta)))
        repairs.ask(path, 'object-lost', new DamagedError(`User storage lost the stub of ${path}`, { path }));
      if (found?.state === 'absent' && found.zxid > meta.czxid) return undefined;
      if (found?.state === 'node' && covers(found.meta, meta)) {
        const [children, data] = await Promise.all([childrenOf(outside, keys, found), dataOf(outside, keys, found)]);
        if (children !== undefined && data !== undefined)
          return { zxid: found.zxid, stat: toStat(found.meta), data, children };
      }
      if (isDue) {
        failure = new DamagedError(`User storage does not have ${path} as it should`, { path });
        repairs.ask(path, 'object-lost', failure);
      }
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      failure = error;
      repairs.ask(path, 'object-damaged', error);
    }
    if (!(await backoff.wait())) throw failure;
  }
}

/** The stored watermark covers all that the node's meta data tell of. */
async function isVisible(outside: Outside, keys: StorageKeys, meta: NodeMeta): Promise<boolean> {
  const zxid = (await readWatermark(outside, keys))?.position?.zxid ?? -1;
  return zxid >= Math.max(meta.czxid, meta.mzxid, meta.pzxid);
}

/**
 * A node is at its protected place, or at the public one if its ACL has changed meanwhile; the newer is right. What is
 * buried there may have moved here: only the public place says that a node is gone.
 */
async function newest(
  outside: Outside,
  keys: StorageKeys,
  path: string,
): Promise<{ found: NodeObject | undefined; lacksStub: boolean }> {
  const [hidden, open] = await Promise.all(
    [keys.protectedNode(path), keys.node(path)].map(async (key) => {
      const object = await outside.objects.get(key);
      return object === undefined ? undefined : decodeNodeObject(object.body, path);
    }),
  );
  const isHidden =
    open === undefined || open.state === 'protected' || (hidden !== undefined && open.zxid < hidden.zxid);
  const lacksStub = open === undefined && hidden?.state === 'node';
  if (isHidden && hidden?.state === 'absent') return { found: undefined, lacksStub };
  return { found: isHidden ? (hidden ?? open) : open, lacksStub };
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

/** Undefined when it is gone, as childrenOf. */
async function dataOf(
  { objects }: Outside,
  keys: StorageKeys,
  { path, data, dataId }: Extract<NodeObject, { state: 'node' }>,
): Promise<Uint8Array | null | undefined> {
  if (dataId === undefined) return data;
  const found = await Promise.all([keys.protectedData, keys.data].map((key) => objects.get(key(path, dataId))));
  const body = found.find((object) => object !== undefined)?.body;
  return body && decodeData(body, path);
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
