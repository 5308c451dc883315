import { type ConnectOptions, FaaSKeeper } from '@faaskeeper/client';
import { systemClock, systemRandom } from '@faaskeeper/functions/stores';
import {
  decode,
  decodeChunk,
  decodeNodeObject,
  type InstanceSpec,
  type NodeMeta,
  type StorageKeys,
  storageKeys,
} from '@faaskeeper/protocol';
import type { Outside } from '../../../functions/core/ports.ts';
import { at } from '../../../functions/core/tables.ts';
import { metaOf, type Tree } from '../../../operator/data/backup/index.ts';
import { InstanceData } from '../../../operator/data/index.ts';
import { servers, uniqueId } from '../../support/servers.ts';
import { openTestStores } from '../../support/stores.ts';

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

export async function openData() {
  const stores = await openTestStores(servers());
  const data = new InstanceData(stores, silent);
  return {
    stores,
    data,
    outside: (spec: InstanceSpec): Outside => ({
      ...stores.instance(spec),
      clock: systemClock,
      random: systemRandom,
      logger: silent,
    }),
    /** A place for backups of one test's own. */
    place: () => ({ prefix: `${uniqueId('backups-')}/` }),
    /** Keys of everything below a prefix of the bucket. */
    async keysBelow(prefix: string): Promise<string[]> {
      const keys: string[] = [];
      for await (const page of stores.bucket().objects.list(prefix)) keys.push(...page);
      return keys;
    },
    [Symbol.asyncDispose]: () => stores.close(),
  };
}

export function newSpec(): { id: string; storagePrefix: string } {
  const id = uniqueId();
  return { id, storagePrefix: `${id}/` };
}

export function connectTo(
  spec: Pick<InstanceSpec, 'id' | 'storagePrefix'>,
  options: Pick<ConnectOptions, 'session' | 'redis'> = {},
): Promise<FaaSKeeper> {
  const { natsUrl: url, natsUser: user, natsPassword: password, s3 } = servers();
  return FaaSKeeper.connect({
    instance: spec.id,
    nats: { url, user, password },
    s3: { ...s3, prefix: spec.storagePrefix },
    cache: false,
    ...options,
  });
}

export interface WholeNode {
  readonly meta: NodeMeta;
  readonly data: string | null;
}

/** All nodes of a checkpoint. */
export async function nodesOf(tree: Tree): Promise<Map<string, WholeNode>> {
  const datas = new Map<string, Uint8Array | null>();
  for await (const { mutation } of tree.content('data')) {
    datas.set(mutation.key, decode(mutation.value!) as Uint8Array | null);
  }
  const nodes = new Map<string, WholeNode>();
  for await (const keyed of tree.content('kept')) {
    const path = keyed.mutation.key;
    if (keyed.mutation.table === 'node')
      nodes.set(path, { meta: metaOf(keyed), data: base64(datas.get(path) ?? null) });
  }
  return nodes;
}

/** The same nodes as user storage shows them (with the ACLs of the applied state), and the names of their children. */
export async function visibleNode({ objects, system }: Outside, keys: StorageKeys, path: string) {
  const read = async (key: string) => {
    const stored = await objects.get(key);
    return stored === undefined ? undefined : decodeNodeObject(stored.body, path);
  };
  const shown = await read(keys.node(path));
  const node = shown?.state === 'protected' ? await read(keys.protectedNode(path)) : shown;
  if (node?.state !== 'node') return { isProtected: false, state: node?.state ?? 'missing' };
  const { values } = await system.read([at.node(path)]);
  const { acl } = decode(values[0]!) as NodeMeta;
  const chunkKey = shown?.state === 'protected' ? keys.protectedChunk : keys.chunk;
  const chunks = node.children.in === 'object' ? [] : node.children.chunks;
  const pages = await Promise.all(
    chunks.map(async ({ id }) => decodeChunk((await objects.get(chunkKey(path, id)))!.body, path)),
  );
  const names = node.children.in === 'object' ? node.children.names : pages.flat();
  return { isProtected: shown?.state === 'protected', meta: { ...node.meta, acl }, data: base64(node.data), names };
}

function base64(data: Uint8Array | null): string | null {
  return data === null ? null : Buffer.from(data).toString('base64');
}

export async function inSlices<In, Out>(
  items: readonly In[],
  size: number,
  work: (item: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = [];
  for (let at = 0; at < items.length; at += size) {
    results.push(...(await Promise.all(items.slice(at, at + size).map(work))));
  }
  return results;
}

export { storageKeys };
