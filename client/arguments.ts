import {
  type Acl,
  BadArgumentsError,
  CREATE_MODES,
  type CreateMode,
  InvalidAclError,
  isSequential,
  LIMITS,
  type MultiOperation,
  OPEN_ACL_UNSAFE,
} from '@faaskeeper/protocol';
import type { Chroot } from './chroot.ts';

/** Text is stored as UTF-8. null is not the same as empty. */
export type Data = string | Uint8Array | null;

export interface CreateArguments {
  /** Default: world:anyone may do anything. */
  readonly acl?: readonly Acl[] | undefined;
  /** Default PERSISTENT. */
  readonly mode?: CreateMode | undefined;
  /** ms; for the TTL modes only. */
  readonly ttl?: number | undefined;
}

/** One operation of a multi. Versions default to -1: any. */
export type MultiOp =
  | ({ readonly type: 'create'; readonly path: string; readonly data?: Data } & CreateArguments)
  | { readonly type: 'delete'; readonly path: string; readonly version?: number | undefined }
  | { readonly type: 'setData'; readonly path: string; readonly data: Data; readonly version?: number | undefined }
  | { readonly type: 'check'; readonly path: string; readonly version?: number | undefined };

/** @throws BadArgumentsError for what is no data, or too long. */
export function dataOf(data: Data, path: string): Uint8Array | null {
  if (data === null) return null;
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  if (!(bytes instanceof Uint8Array))
    throw new BadArgumentsError(`Data for ${path} must be text, bytes or null`, { path });
  if (bytes.length > LIMITS.dataBytes) {
    throw new BadArgumentsError(`Data for ${path} has ${bytes.length} bytes, more than ${LIMITS.dataBytes}`, { path });
  }
  // A copy: the request may be sent later, and again; what the caller does with the bytes meanwhile is not ours.
  return typeof data === 'string' ? bytes : new Uint8Array(bytes);
}

/** @throws BadArgumentsError when it is no whole number of 32 bits. */
export function versionOf(version: number, path: string): number {
  if (!Number.isInteger(version) || version < -(2 ** 31) || version >= 2 ** 31) {
    throw new BadArgumentsError(`The version ${version} for ${path} is not a 32-bit number`, { path });
  }
  return version;
}

/** The system judges schemes and ids; this looks at the shape only. */
export function aclOf(acl: readonly Acl[], path: string): Acl[] {
  if (!Array.isArray(acl) || acl.length === 0) throw new InvalidAclError(`The ACL for ${path} is empty`, { path });
  return acl.map(({ scheme, id, permissions }) => {
    if (typeof scheme !== 'string' || typeof id !== 'string' || !Number.isInteger(permissions)) {
      throw new InvalidAclError(`The ACL for ${path} has an entry without scheme, id or permissions`, { path });
    }
    return { scheme, id, permissions };
  });
}

export function createOperation(chroot: Chroot, path: string, data: Data, options: CreateArguments) {
  const { acl = OPEN_ACL_UNSAFE, mode = 'PERSISTENT', ttl } = options;
  if (!CREATE_MODES.includes(mode)) throw new BadArgumentsError(`There is no create mode ${mode}`, { path });
  const needsTtl = mode === 'PERSISTENT_WITH_TTL' || mode === 'PERSISTENT_SEQUENTIAL_WITH_TTL';
  if (needsTtl !== (ttl !== undefined)) {
    throw new BadArgumentsError(`The mode ${mode} ${needsTtl ? 'needs a' : 'takes no'} ttl`, { path });
  }
  if (ttl !== undefined && !(Number.isInteger(ttl) && ttl > 0)) {
    throw new BadArgumentsError(`The ttl ${ttl} is not a positive whole number of ms`, { path });
  }
  return {
    type: 'create',
    path: chroot.toSystem(path, isSequential(mode)),
    data: dataOf(data, path),
    acl: aclOf(acl, path),
    mode,
    ...(ttl === undefined ? {} : { ttl }),
  } as const satisfies MultiOperation;
}

/** @throws BadArgumentsError */
export function multiOperation(chroot: Chroot, op: MultiOp): MultiOperation {
  const { path } = op;
  switch (op.type) {
    case 'create':
      return createOperation(chroot, path, op.data ?? null, op);
    case 'delete':
    case 'check':
      return { type: op.type, path: chroot.toSystem(path), version: versionOf(op.version ?? -1, path) };
    case 'setData':
      return {
        type: 'setData',
        path: chroot.toSystem(path),
        data: dataOf(op.data, path),
        version: versionOf(op.version ?? -1, path),
      };
    default:
      throw new BadArgumentsError(`A multi cannot hold ${JSON.stringify((op as { type: unknown }).type)}`);
  }
}
