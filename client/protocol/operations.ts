import * as v from 'valibot';
import type { Acl } from './acl.ts';
import { bytesSchema } from './encoding.ts';
import { LIMITS } from './limits.ts';
import type { Stat } from './stat.ts';

const path = v.pipe(v.string(), v.maxBytes(LIMITS.pathBytes));
const version = v.pipe(v.number(), v.integer());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Too long data is a valid message with a clear error, so the schema leaves room above the limit. */
const data = v.nullable(bytesSchema);
const acl = v.array(v.object({ scheme: v.string(), id: v.string(), permissions: v.pipe(v.number(), v.integer()) }));

/** ZooKeeper's CreateMode. */
export const CREATE_MODES = [
  'PERSISTENT',
  'PERSISTENT_SEQUENTIAL',
  'EPHEMERAL',
  'EPHEMERAL_SEQUENTIAL',
  'CONTAINER',
  'PERSISTENT_WITH_TTL',
  'PERSISTENT_SEQUENTIAL_WITH_TTL',
] as const;
export type CreateMode = (typeof CREATE_MODES)[number];

export function isSequential(mode: CreateMode): boolean {
  return mode.includes('SEQUENTIAL');
}

const create = v.object({
  type: v.literal('create'),
  path,
  data,
  acl,
  mode: v.picklist(CREATE_MODES),
  /** Time to live in ms; only for the TTL modes. */
  ttl: v.optional(v.number()),
});
const remove = v.object({ type: v.literal('delete'), path, version });
const setData = v.object({ type: v.literal('setData'), path, data, version });
const check = v.object({ type: v.literal('check'), path, version });
const setACL = v.object({ type: v.literal('setACL'), path, acl, version });

/** What a multi may hold (ZooKeeper: create, create2, delete, setData, check). */
export const multiOperationSchema = v.variant('type', [create, remove, setData, check]);
export type MultiOperation = v.InferOutput<typeof multiOperationSchema>;

/** Kinds of registered watches; recursive means the node and all below it. */
export const REGISTRATION_KINDS = ['data', 'children', 'exists', 'recursive'] as const;
export type RegistrationKind = (typeof REGISTRATION_KINDS)[number];

/**
 * What a session may ask of the writer. Operations that change nothing (sync and the reads that only the system may
 * answer) go the same way, so that they keep their place in the session's order.
 */
export const operationSchema = v.variant('type', [
  create,
  remove,
  setData,
  setACL,
  check,
  v.object({ type: v.literal('multi'), operations: v.array(multiOperationSchema) }),
  v.object({ type: v.literal('sync'), path }),
  v.object({ type: v.literal('addAuth'), scheme: v.string(), auth: bytesSchema }),
  v.object({ type: v.literal('closeSession') }),
  /** Keeps the number of a request that its caller aborted. */
  v.object({ type: v.literal('noop') }),
  v.object({
    type: v.literal('register'),
    path,
    kind: v.picklist(REGISTRATION_KINDS),
    sink: v.pipe(v.string(), v.maxLength(2_048)),
  }),
  v.object({ type: v.literal('unregister'), path, id: v.string() }),
  /** Reads of nodes that are not world-readable, checked against the ACL by the writer. */
  v.object({ type: v.literal('read'), path, what: v.picklist(['exists', 'getData', 'getChildren']) }),
  v.object({ type: v.literal('getACL'), path }),
  v.object({ type: v.literal('getEphemerals'), prefix: v.string() }),
  v.object({ type: v.literal('getAllChildrenNumber'), path }),
  v.object({ type: v.literal('whoAmI') }),
  v.object({ type: v.literal('listRegistrations'), path }),
]);
export type Operation = v.InferOutput<typeof operationSchema>;
export type OperationType = Operation['type'];

/** What the system asks of itself; each names what it was decided on and is refused on a mismatch (invariant 11). */
export const systemOperationSchema = v.variant('type', [
  v.object({ type: v.literal('expire'), session: count, generation: count }),
  v.object({ type: v.literal('deleteContainer'), path, czxid: v.number(), cversion: v.number() }),
  v.object({ type: v.literal('deleteTtl'), path, czxid: v.number(), mzxid: v.number(), cversion: v.number() }),
  /** Drops the kept results of a session that ended long ago. */
  v.object({ type: v.literal('forget'), session: count }),
  /** The stored object of a node is damaged or lost: it is written anew from checkpoint and LOG. */
  v.object({ type: v.literal('repair'), path }),
]);
export type SystemOperation = v.InferOutput<typeof systemOperationSchema>;

export interface CreateResult {
  readonly path: string;
  readonly stat: Stat;
}
export interface MultiOperationResult {
  readonly type: MultiOperation['type'];
  readonly path?: string;
  readonly stat?: Stat;
}
export interface RegistrationInfo {
  readonly id: string;
  readonly path: string;
  readonly kind: RegistrationKind;
  readonly sink: string;
  /** zxid of the registration: changes after it are delivered. */
  readonly zxid: number;
}
export interface ReadResult {
  /** zxid that the answer reflects. */
  readonly zxid: number;
  readonly stat: Stat;
  readonly data?: Uint8Array | null;
  readonly children?: readonly string[];
}
export interface AclResult {
  readonly acl: readonly Acl[];
  readonly stat: Stat;
}
