import * as v from 'valibot';
import { bytesSchema, frame, unframeAs } from './encoding.ts';
import { DamagedError } from './errors.ts';
import { pathDigest } from './paths.ts';

export const NODE_OBJECT_VERSION = 1;
const whole = v.pipe(v.number(), v.integer());

/** Keys in user storage below an instance's prefix. Clients may read `pub/` only. */
export function storageKeys(prefix: string) {
  return {
    public: `${prefix}pub/`,
    /** What a client reads: the node, a tombstone, or a stub that says "ask the system". */
    node: (path: string) => `${prefix}pub/n/${pathDigest(path)}`,
    /** Immutable chunk of children's names of a world-readable node. */
    chunk: (path: string, id: string) => `${prefix}pub/c/${pathDigest(path)}/${id}`,
    /** The node itself where not everyone may read it. */
    protectedNode: (path: string) => `${prefix}sys/n/${pathDigest(path)}`,
    protectedChunk: (path: string, id: string) => `${prefix}sys/c/${pathDigest(path)}/${id}`,
    /** Immutable data of a node that is too large for the node's record (Hybrid). */
    data: (path: string, id: string) => `${prefix}pub/d/${pathDigest(path)}/${id}`,
    protectedData: (path: string, id: string) => `${prefix}sys/d/${pathDigest(path)}/${id}`,
    watermark: `${prefix}sys/watermark`,
    checkpoint: `${prefix}sys/checkpoint`,
    checkpointPart: (id: string) => `${prefix}sys/checkpoints/${id}`,
    /** Transactions too large for a LOG message. */
    logPart: (id: string) => `${prefix}sys/log/${id}`,
    probe: (id: string) => `${prefix}sys/probe/${id}`,
  } as const;
}
export type StorageKeys = ReturnType<typeof storageKeys>;

const metaSchema = v.object({
  czxid: whole,
  mzxid: whole,
  pzxid: whole,
  ctime: whole,
  mtime: whole,
  version: whole,
  aversion: whole,
  created: whole,
  numChildren: whole,
  dataLength: whole,
  kind: v.picklist(['persistent', 'ephemeral', 'container', 'ttl']),
  ephemeralOwner: whole,
  ttl: whole,
});

/** Names of the children: inline, sorted; or in immutable chunks, each sorted, in order, named by their exact ids. */
const childrenSchema = v.variant('in', [
  v.object({ in: v.literal('object'), names: v.array(v.string()) }),
  v.object({
    in: v.literal('chunks'),
    chunks: v.array(v.object({ id: v.string(), first: v.string(), count: whole })),
  }),
]);
export type StoredChildren = v.InferOutput<typeof childrenSchema>;

/**
 * A stored node. `zxid` is the last transaction that this object reflects (data, ACL or children). `absent` is a
 * tombstone: the node does not exist as of `zxid`. `protected` is a stub: only the system may say more.
 */
export const nodeObjectSchema = v.variant('state', [
  v.object({
    state: v.literal('node'),
    path: v.string(),
    zxid: whole,
    meta: metaSchema,
    data: v.nullable(bytesSchema),
    /** The data is an object of its own, by this id; `data` is null. */
    dataId: v.optional(v.string()),
    children: childrenSchema,
  }),
  v.object({ state: v.literal('absent'), path: v.string(), zxid: whole }),
  v.object({ state: v.literal('protected'), path: v.string(), zxid: whole }),
]);
export type NodeObject = v.InferOutput<typeof nodeObjectSchema>;
export type PresentNode = Extract<NodeObject, { state: 'node' }>;

export function encodeNodeObject(node: NodeObject): Uint8Array {
  return frame(NODE_OBJECT_VERSION, node);
}

/** @throws DamagedError when the object is truncated, corrupt or of another path; NewerFormatError. */
export function decodeNodeObject(bytes: Uint8Array, path: string): NodeObject {
  const what = `The stored object of ${path}`;
  const node = unframeAs(nodeObjectSchema, NODE_OBJECT_VERSION, bytes, what, { path });
  if (node.path !== path) throw new DamagedError(`${what} is that of ${node.path}`, { path });
  return node;
}

/** The same where only its key is known. */
export function decodeNodeObjectAt(bytes: Uint8Array, key: string): NodeObject {
  return unframeAs(nodeObjectSchema, NODE_OBJECT_VERSION, bytes, `The stored object ${key}`);
}

export function encodeChunk(names: readonly string[]): Uint8Array {
  return frame(NODE_OBJECT_VERSION, names);
}

const chunkSchema = v.array(v.string());

/** @throws DamagedError when the chunk is truncated or corrupt; NewerFormatError. */
export function decodeChunk(bytes: Uint8Array, path: string): string[] {
  return unframeAs(chunkSchema, NODE_OBJECT_VERSION, bytes, `A chunk of the children of ${path}`, { path });
}

export function encodeData(data: Uint8Array): Uint8Array {
  return frame(NODE_OBJECT_VERSION, data);
}

/** @throws DamagedError when the data is truncated or corrupt; NewerFormatError. */
export function decodeData(bytes: Uint8Array, path: string): Uint8Array {
  return unframeAs(bytesSchema, NODE_OBJECT_VERSION, bytes, `The data of ${path}`, { path });
}
