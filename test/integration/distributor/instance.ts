import {
  decodeAs,
  decodeChunk,
  decodeData,
  decodeNodeObject,
  type InstanceSpec,
  type InstanceSpecInput,
  instanceSpecSchema,
  isWorldReadable,
  type NodeObject,
  type PresentNode,
  type StorageKeys,
  storageKeys,
  subjects,
  validate,
  type Watermark,
  watermarkSchema,
} from '@faaskeeper/protocol';
import { Distributor } from '../../../functions/core/distributor/index.ts';
import type { Outside, Stores, UserStorage } from '../../../functions/core/ports.ts';
import { declareStreams, openStores, systemClock, systemRandom } from '../../../functions/stores/index.ts';
import { servers, type TestServers, uniqueId } from '../../support/servers.ts';
import type { TreeModel } from '../../support/tree-model.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Settings of the instances of this file's tests. */
export const defaults: Partial<InstanceSpecInput> = {};

/** One instance on the real servers, and what a client could see of it. */
export interface TestInstance extends AsyncDisposable {
  readonly spec: InstanceSpec;
  readonly keys: StorageKeys;
  readonly outside: Outside;
  readonly watermarks: Watermark[];
  /** A distributor of its own, over stores in which some parts may be replaced. */
  distributor(replaced?: Partial<Outside>): Distributor;
  publicNode(path: string): Promise<NodeObject | undefined>;
  protectedNode(path: string): Promise<NodeObject | undefined>;
  children(node: PresentNode, isProtected?: boolean): Promise<string[]>;
  data(node: PresentNode, isProtected?: boolean): Promise<Uint8Array | null>;
}

export async function testInstance({
  s3: other,
  ...input
}: {
  checkpointMessages?: number;
  userStorage?: InstanceSpecInput['userStorage'];
  s3?: TestServers['s3'];
} = {}): Promise<TestInstance> {
  const { natsUrl, natsUser, natsPassword, redisUrl, s3 } = {
    ...servers(),
    ...(other === undefined ? {} : { s3: other }),
  };
  const shared = await openStores({
    nats: { url: natsUrl, user: natsUser, password: natsPassword },
    redis: { url: redisUrl },
    s3,
  });
  const id = uniqueId();
  const spec = validate(
    instanceSpecSchema,
    {
      id,
      storagePrefix: `${id}/`,
      ...defaults,
      ...input,
    },
    'spec',
  );
  await declareStreams(shared.nats, spec);
  const stores: Stores = shared.instance(spec);
  const outside: Outside = { ...stores, clock: systemClock, random: systemRandom, logger: silent };
  const keys = storageKeys(spec.storagePrefix);
  const watermarks: Watermark[] = [];
  const feed = stores.notifications.subscribe(subjects(id).watermark, (payload) => {
    watermarks.push(decodeAs(watermarkSchema, payload, 'watermark'));
  });
  await stores.notifications.flush();
  const made: Distributor[] = [];
  const read = async (key: string, path: string) => {
    const stored = await stores.objects.get(key);
    return stored === undefined ? undefined : decodeNodeObject(stored.body, path);
  };
  return {
    spec,
    keys,
    outside,
    watermarks,
    distributor(replaced = {}) {
      const { objects } = shared.instance(spec);
      const distributor = new Distributor({ ...outside, objects, ...replaced }, spec);
      made.push(distributor);
      return distributor;
    },
    publicNode: (path) => read(keys.node(path), path),
    protectedNode: (path) => read(keys.protectedNode(path), path),
    async children(node, isProtected = false) {
      if (node.children.in === 'object') return node.children.names;
      const key = isProtected ? keys.protectedChunk : keys.chunk;
      const chunks = await Promise.all(
        node.children.chunks.map(async ({ id: chunk }) => {
          const stored = await stores.objects.get(key(node.path, chunk));
          if (stored === undefined) throw new Error(`Chunk ${chunk} of ${node.path} is missing`);
          return decodeChunk(stored.body, node.path);
        }),
      );
      return chunks.flat();
    },
    async data({ path, data, dataId }, isProtected = false) {
      if (dataId === undefined) return data;
      const stored = await stores.objects.get((isProtected ? keys.protectedData : keys.data)(path, dataId));
      if (stored === undefined) throw new Error(`Data ${dataId} of ${path} is missing`);
      return decodeData(stored.body, path);
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(made.map((distributor) => distributor.close()));
      feed.close();
      await shared.close();
    },
  };
}

/** User storage shows exactly the model's tree: what is protected only behind a stub, what is gone not at all. */
export async function expectVisible(instance: TestInstance, model: TreeModel): Promise<void> {
  const known = new Set(
    model.entries.flatMap((e) =>
      e.transactions.flatMap((t) => t.effects.flatMap((f) => ('path' in f ? [f.path] : []))),
    ),
  );
  await Promise.all(
    [...known].map(async (path) => {
      const expected = model.nodes.get(path);
      const shown = await instance.publicNode(path);
      const hidden = await instance.protectedNode(path);
      if (expected === undefined) {
        expect([path, shown?.state ?? 'absent', hidden?.state ?? 'absent']).toEqual([path, 'absent', 'absent']);
        return;
      }
      const isProtected = !isWorldReadable(expected.meta.acl);
      expect([path, shown?.state]).toEqual([path, isProtected ? 'protected' : 'node']);
      const node = (isProtected ? hidden : shown) as PresentNode;
      if (!isProtected) expect(hidden?.state ?? 'absent').toBe('absent');
      const { acl: _acl, ...meta } = expected.meta;
      expect({ path, meta: node.meta }).toEqual({ path, meta });
      const data = await instance.data(node, isProtected);
      expect([path, data === null ? null : [...data]]).toEqual([
        path,
        expected.data === null ? null : [...expected.data],
      ]);
      expect([path, await instance.children(node, isProtected)]).toEqual([path, model.childrenOf(path)]);
    }),
  );
}

/** User storage that tells of each PUT before it happens; what it awaits delays the PUT. */
export function watched(objects: UserStorage, onPut: (key: string) => Promise<void> | void): UserStorage {
  return {
    get: (key, signal) => objects.get(key, signal),
    async put(key, body, condition, signal) {
      await onPut(key);
      return await objects.put(key, body, condition, signal);
    },
    delete: (keys) => objects.delete(keys),
    deleteIf: (key, etag) => objects.deleteIf(key, etag),
    list: (prefix) => objects.list(prefix),
    ...(objects.coverage === undefined ? {} : { coverage: objects.coverage }),
  };
}
