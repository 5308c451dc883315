import {
  type Acl,
  type CreateMode,
  type CreateResult,
  ERRORS,
  type ErrorCode,
  isErrorCode,
  type MultiOperation,
  type MultiOperationResult,
  type Operation,
  type Reply,
  type Stat,
} from '@faaskeeper/protocol';
import type { JuteRecord, Long, Part, PartResult } from '../jute/index.ts';
import { pathOf } from './handlers/handler.ts';

type CreateOperation = Extract<Operation, { type: 'create' }>;

/** ZooKeeper's create flags are these in order (CreateMode.toFlag). */
const MODES: readonly CreateMode[] = [
  'PERSISTENT',
  'EPHEMERAL',
  'PERSISTENT_SEQUENTIAL',
  'EPHEMERAL_SEQUENTIAL',
  'CONTAINER',
  'PERSISTENT_WITH_TTL',
  'PERSISTENT_SEQUENTIAL_WITH_TTL',
];

/** The return code on the wire. */
export function codeOf(error: ErrorCode | undefined): number {
  return error === undefined ? 0 : ERRORS[error].zookeeper;
}

function aclOf(acl: readonly JuteRecord<'ACL'>[] | null): Acl[] {
  return (acl ?? []).map(({ perms, id }) => ({ scheme: id.scheme ?? '', id: id.id ?? '', permissions: perms }));
}

interface CreateRecord extends JuteRecord<'CreateRequest'> {
  readonly ttl?: Long;
}

/** What ZooKeeper refuses for its flags is sent as a create that is refused alike: failures are transactions, too. */
const REFUSED = { type: 'create', path: '', data: null, acl: [], mode: 'PERSISTENT', ttl: 1 } as const;

export function createOf({ path, data, acl, flags, ttl }: CreateRecord): CreateOperation {
  const mode = MODES[flags];
  if (mode === undefined) return { ...REFUSED, acl: [] };
  const common = { type: 'create', path: pathOf(path), data, acl: aclOf(acl), mode } as const;
  if (mode.endsWith('WITH_TTL')) return { ...common, ttl: typeof ttl === 'number' ? ttl : 0 };
  // A mode without TTL takes none, not even 0 (EphemeralType.validateTTL).
  return ttl !== undefined && ttl >= 0 ? { ...REFUSED, acl: [] } : common;
}

export function setDataOf({ path, data, version }: JuteRecord<'SetDataRequest'>) {
  return { type: 'setData', path: pathOf(path), data, version } as const;
}

export function setAclOf({ path, acl, version }: JuteRecord<'SetACLRequest'>) {
  return { type: 'setACL', path: pathOf(path), acl: aclOf(acl), version } as const;
}

export function deleteOf({ path, version }: JuteRecord<'DeleteRequest'>) {
  return { type: 'delete', path: pathOf(path), version } as const;
}

/** undefined: a read, which has no place in a multi that writes. */
export function multiOperationOf(part: Part): MultiOperation | undefined {
  switch (part.op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      return createOf(part);
    case 'delete':
      return deleteOf(part);
    case 'setData':
      return setDataOf(part);
    case 'check':
      return { type: 'check', path: pathOf(part.path), version: part.version };
    default:
      return undefined;
  }
}

/** The results of a multi, in the format of each operation. */
export function multiResultsOf(parts: readonly Part[], reply: Reply): PartResult[] {
  if (reply.error !== undefined) return failedResults(parts, reply.error, reply.result);
  const results = reply.result as readonly MultiOperationResult[];
  return parts.map((part, at): PartResult => {
    const { path = '', stat } = results[at] as MultiOperationResult;
    switch (part.op) {
      case 'create':
        return { op: 'create', path };
      case 'create2':
      case 'createContainer':
      case 'createTTL':
        return { op: part.op, path, stat: stat as Stat };
      case 'setData':
        return { op: 'setData', stat: stat as Stat };
      case 'delete':
      case 'check':
        return { op: part.op };
      default:
        throw new Error(`A multi has no result of ${part.op}`);
    }
  });
}

/** 0 before the one that failed, its code, and -2 after it. */
function failedResults(parts: readonly Part[], error: ErrorCode, result: unknown): PartResult[] {
  const codes = Array.isArray(result) ? (result as unknown[]) : [];
  return parts.map((_, at) => {
    const code = codes[at];
    if (code === 'Ok') return { op: 'error', err: 0 };
    return { op: 'error', err: codeOf(isErrorCode(code) ? code : error) };
  });
}

export function createdOf(reply: Reply): CreateResult {
  return reply.result as CreateResult;
}
