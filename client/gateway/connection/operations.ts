import {
  type Acl,
  type CreateMode,
  type CreateResult,
  ERRORS,
  type ErrorCode,
  type Operation,
  type Reply,
} from '@faaskeeper/protocol';
import type { JuteRecord, Long } from '../jute/index.ts';
import { pathOf } from './handlers/handler.ts';

type CreateOperation = Extract<Operation, { type: 'create' }>;

/** ZooKeeper's create flags are these in order (CreateMode.toFlag). */
export const MODES: readonly CreateMode[] = [
  'PERSISTENT',
  'EPHEMERAL',
  'PERSISTENT_SEQUENTIAL',
  'EPHEMERAL_SEQUENTIAL',
  'CONTAINER',
  'PERSISTENT_WITH_TTL',
  'PERSISTENT_SEQUENTIAL_WITH_TTL',
];

const EPHEMERAL = MODES.indexOf('EPHEMERAL');

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

/** `container`: what makes a container is the opcode, not the flag of that name (PrepRequestProcessor). */
export function createOf({ path, data, acl, flags, ttl }: CreateRecord, container = false): CreateOperation {
  const mode = modeOf(flags, container);
  if (mode === undefined) return { ...REFUSED, acl: [] };
  const common = { type: 'create', path: pathOf(path), data, acl: aclOf(acl), mode } as const;
  if (mode.endsWith('WITH_TTL')) return { ...common, ttl: typeof ttl === 'number' ? ttl : 0 };
  // A mode without TTL takes none, not even 0 (EphemeralType.validateTTL).
  return ttl !== undefined && ttl >= 0 ? { ...REFUSED, acl: [] } : common;
}

function modeOf(flags: number, container: boolean): CreateMode | undefined {
  const mode = MODES[flags];
  if (container) return flags === EPHEMERAL ? 'CONTAINER' : mode === 'PERSISTENT' ? 'CONTAINER' : mode;
  return mode === 'CONTAINER' ? 'PERSISTENT' : mode;
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

export function createdOf(reply: Reply): CreateResult {
  return reply.result as CreateResult;
}
