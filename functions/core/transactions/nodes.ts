import {
  isSequential,
  isWorldReadable,
  LIMITS,
  type MultiOperation,
  type MultiOperationResult,
  type NodeKind,
  type NodeMeta,
  type Operation,
  Permission,
  parentPath,
  sequenceSuffix,
  toStat,
} from '@faaskeeper/protocol';
import { countInQuota, recordChanged, recordCreated } from './quotas.ts';
import {
  type Context,
  isSpecialPath,
  Refusal,
  requireNode,
  requirePath,
  requirePermission,
  requireVersion,
  storedAcl,
} from './rules.ts';
import type { Draft } from './state.ts';
import { count } from './totals.ts';

type Of<Type extends Operation['type']> = Extract<Operation, { type: Type }>;

/** Largest TTL that ZooKeeper can represent, ms (EphemeralType.TTL). */
const MAX_TTL = 0xff_ffff_ffff;

const KINDS: Record<Of<'create'>['mode'], NodeKind> = {
  PERSISTENT: 'persistent',
  PERSISTENT_SEQUENTIAL: 'persistent',
  EPHEMERAL: 'ephemeral',
  EPHEMERAL_SEQUENTIAL: 'ephemeral',
  CONTAINER: 'container',
  PERSISTENT_WITH_TTL: 'ttl',
  PERSISTENT_SEQUENTIAL_WITH_TTL: 'ttl',
};

function requireData(data: Uint8Array | null): void {
  if (data !== null && data.length > LIMITS.dataBytes) throw new Refusal('BadArguments');
}

/** The order of the checks is that of PrepRequestProcessor.pRequest2TxnCreate: clients see which comes first. */
export function create(draft: Draft, operation: Of<'create'>, context: Context): MultiOperationResult {
  const kind = KINDS[operation.mode];
  const ttl = operation.ttl ?? 0;
  if (kind === 'ttl' ? !(Number.isInteger(ttl) && ttl > 0 && ttl <= MAX_TTL) : ttl !== 0)
    throw new Refusal('BadArguments');
  if (!operation.path.startsWith('/') || operation.path.includes('\0')) throw new Refusal('BadArguments');
  requireData(operation.data);
  const acl = storedAcl(operation.acl, context.identities);
  const parentAt = parentPath(operation.path);
  const parent = requireNode(draft.node(parentAt));
  requirePermission(parent, Permission.CREATE, context);
  const path = isSequential(operation.mode) ? operation.path + sequenceSuffix(parent.created) : operation.path;
  requirePath(path);
  if (draft.node(path) !== null) throw new Refusal('NodeExists');
  if (parent.kind === 'ephemeral') throw new Refusal('NoChildrenForEphemerals');
  const added = { nodes: 1, bytes: operation.data?.length ?? 0 };
  countInQuota(draft, path, added, context, 'check');
  count(draft, added, context.limits);
  const { zxid, time } = context;
  const meta: NodeMeta = {
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: time,
    mtime: time,
    version: 0,
    aversion: 0,
    created: 0,
    numChildren: 0,
    dataLength: operation.data?.length ?? 0,
    kind,
    ephemeralOwner: kind === 'ephemeral' ? context.session : 0,
    ttl,
    acl,
  };
  draft.set('node', path, meta);
  draft.effects.push({ type: 'put', path, change: 'created', meta, data: operation.data });
  changeParent(draft, parentAt, {
    ...parent,
    created: parent.created + 1,
    numChildren: parent.numChildren + 1,
    pzxid: zxid,
  });
  if (kind === 'ephemeral') draft.changeEphemerals(context.session, path, 'add');
  recordCreated(draft, path, operation.data);
  return { type: 'create', path, stat: toStat(meta) };
}

function changeParent(draft: Draft, path: string, meta: NodeMeta): void {
  draft.set('node', path, meta);
  draft.effects.push({ type: 'put', path, change: 'children', meta });
}

export function remove(draft: Draft, operation: Of<'delete'>, context: Context): MultiOperationResult {
  const { path } = operation;
  if (!path.startsWith('/') || path.includes('\0') || isSpecialPath(path)) throw new Refusal('BadArguments');
  const parent = requireNode(draft.node(parentPath(path)));
  requirePermission(parent, Permission.DELETE, context);
  const meta = requireNode(draft.node(operation.path));
  requireVersion(meta.version, operation.version);
  if (meta.numChildren > 0) throw new Refusal('NotEmpty');
  removeNode(draft, operation.path, meta, context);
  return { type: 'delete' };
}

/** Removes a node that is known to be there, childless, and to be removed. */
export function removeNode(draft: Draft, path: string, meta: NodeMeta, context: Context): void {
  const { zxid, limits } = context;
  const removed = { nodes: -1, bytes: -meta.dataLength };
  count(draft, removed, limits);
  const parentAt = parentPath(path);
  const parent = requireNode(draft.node(parentAt));
  draft.set('node', path, null);
  const { kind, ephemeralOwner, acl } = meta;
  draft.effects.push({ type: 'delete', path, kind, ephemeralOwner, ...(isWorldReadable(acl) ? {} : { acl }) });
  changeParent(draft, parentAt, {
    ...parent,
    numChildren: parent.numChildren - 1,
    pzxid: Math.max(parent.pzxid, zxid),
  });
  if (meta.kind === 'ephemeral') draft.changeEphemerals(meta.ephemeralOwner, path, 'remove');
  recordChanged(draft, path, null);
  countInQuota(draft, path, removed, context, 'only count');
}

export function setData(draft: Draft, operation: Of<'setData'>, context: Context): MultiOperationResult {
  requirePath(operation.path);
  requireData(operation.data);
  const old = requireNode(draft.node(operation.path));
  requirePermission(old, Permission.WRITE, context);
  const grown = { nodes: 0, bytes: (operation.data?.length ?? 0) - old.dataLength };
  // Before the version, as in ZooKeeper.
  countInQuota(draft, operation.path, grown, context, 'check');
  requireVersion(old.version, operation.version);
  count(draft, grown, context.limits);
  const meta: NodeMeta = {
    ...old,
    version: (old.version + 1) | 0,
    mzxid: context.zxid,
    mtime: context.time,
    dataLength: operation.data?.length ?? 0,
  };
  draft.set('node', operation.path, meta);
  draft.effects.push({ type: 'put', path: operation.path, change: 'data', meta, data: operation.data });
  recordChanged(draft, operation.path, operation.data);
  return { type: 'setData', stat: toStat(meta) };
}

export function setACL(draft: Draft, operation: Of<'setACL'>, context: Context): MultiOperationResult['stat'] {
  requirePath(operation.path);
  const acl = storedAcl(operation.acl, context.identities);
  const old = requireNode(draft.node(operation.path));
  requirePermission(old, Permission.ADMIN, context);
  requireVersion(old.aversion, operation.version);
  const meta: NodeMeta = { ...old, acl, aversion: (old.aversion + 1) | 0 };
  draft.set('node', operation.path, meta);
  draft.effects.push({ type: 'put', path: operation.path, change: 'acl', meta });
  return toStat(meta);
}

export function check(draft: Draft, operation: Of<'check'>, context: Context): MultiOperationResult {
  requirePath(operation.path);
  const meta = requireNode(draft.node(operation.path));
  requirePermission(meta, Permission.READ, context);
  requireVersion(meta.version, operation.version);
  return { type: 'check' };
}

export function applyMultiOperation(draft: Draft, operation: MultiOperation, context: Context): MultiOperationResult {
  switch (operation.type) {
    case 'create':
      return create(draft, operation, context);
    case 'delete':
      return remove(draft, operation, context);
    case 'setData':
      return setData(draft, operation, context);
    case 'check':
      return check(draft, operation, context);
  }
}

/** Nodes that an operation surely looks at: loaded in one go before the batch is judged. */
export function nodesOf(operation: MultiOperation): string[] {
  const { path } = operation;
  switch (operation.type) {
    case 'create':
      return isSequential(operation.mode) ? [parentPath(path)] : [parentPath(path), path];
    case 'delete':
      return [parentPath(path), path];
    default:
      return [path];
  }
}
