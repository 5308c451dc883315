import {
  type Acl,
  type ErrorCode,
  type MultiOperation,
  maskAcl,
  type NodeMeta,
  type Operation,
  Permission,
  permits,
  type RegistrationInfo,
  toStat,
} from '@faaskeeper/protocol';
import type { SessionRecord } from '../log-entry.ts';
import { applyMultiOperation, create, remove, setACL, setData } from './nodes.ts';
import { type Context, Refusal, requireNode, requirePath, requirePermission } from './rules.ts';
import { addIdentity, endSession } from './sessions.ts';
import type { Draft } from './state.ts';

/** A multi that failed: nothing of it happened, and each operation has its code. */
export class MultiRefusal extends Refusal {
  readonly codes: (ErrorCode | 'Ok')[];
  constructor(code: ErrorCode, codes: (ErrorCode | 'Ok')[]) {
    super(code);
    this.codes = codes;
  }
}

/** Answered after the append, by reading: permission is already checked. */
export type Deferred =
  | { readonly type: 'read'; readonly path: string; readonly what: 'getData' | 'getChildren'; readonly meta: NodeMeta }
  | { readonly type: 'count'; readonly path: string }
  | { readonly type: 'registrations'; readonly path: string };

export interface Outcome {
  readonly result?: unknown;
  readonly deferred?: Deferred;
}

/** Operations that change nothing share their predecessor's zxid and their results are not kept but made again. */
export function isQuery(type: Operation['type']): boolean {
  switch (type) {
    case 'sync':
    case 'noop':
    case 'read':
    case 'getACL':
    case 'getEphemerals':
    case 'getAllChildrenNumber':
    case 'whoAmI':
    case 'listRegistrations':
      return true;
    default:
      return false;
  }
}

/** Operations that take a zxid of their own, also when they fail: those that ZooKeeper logs. */
export function takesZxid(type: Operation['type']): boolean {
  return !isQuery(type) && type !== 'addAuth' && type !== 'register' && type !== 'unregister';
}

/** @throws Refusal by ZooKeeper's rules; the draft is then dropped. */
export function execute(
  draft: Draft,
  operation: Operation,
  session: SessionRecord,
  context: Context,
  extra: { number: number; superDigest: string | undefined },
): Outcome {
  switch (operation.type) {
    case 'create': {
      const { path, stat } = create(draft, operation, context);
      return { result: { path, stat } };
    }
    case 'delete':
      remove(draft, operation, context);
      return {};
    case 'setData':
      return { result: setData(draft, operation, context).stat };
    case 'setACL':
      return { result: setACL(draft, operation, context) };
    case 'multi':
      return { result: multi(draft, operation.operations, context) };
    case 'closeSession':
      endSession(draft, session, context);
      return {};
    case 'addAuth':
      return { result: addIdentity(draft, session, operation.scheme, operation.auth, extra.superDigest) };
    case 'register':
      return { result: register(draft, operation, context, extra.number) };
    case 'unregister':
      unregister(draft, operation.id, operation.path);
      return {};
    case 'check':
      // ZooKeeper answers a check outside a multi with Unimplemented.
      throw new Refusal('Unimplemented');
    default:
      return query(draft, operation, context);
  }
}

function multi(draft: Draft, operations: readonly MultiOperation[], context: Context): unknown[] {
  const results: unknown[] = [];
  for (const [index, operation] of operations.entries()) {
    try {
      results.push(applyMultiOperation(draft, operation, context));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const codes = operations.map((_, at) => (at < index ? 'Ok' : at === index ? error.code : 'RuntimeInconsistency'));
      throw new MultiRefusal(error.code, codes);
    }
  }
  return results;
}

type Query = Extract<
  Operation,
  {
    type:
      | 'sync'
      | 'noop'
      | 'read'
      | 'getACL'
      | 'getEphemerals'
      | 'getAllChildrenNumber'
      | 'whoAmI'
      | 'listRegistrations';
  }
>;

function query(draft: Draft, operation: Query, context: Context): Outcome {
  switch (operation.type) {
    case 'noop':
    case 'sync':
      return {};
    case 'whoAmI':
      return { result: context.identities };
    case 'getEphemerals':
      return {
        result: [...draft.ephemerals(context.session)].filter((path) => path.startsWith(operation.prefix)).sort(),
      };
    case 'getACL':
      return { result: readAcl(draft, operation.path, context) };
    case 'read': {
      const meta = readable(draft, operation.path, context);
      if (operation.what === 'exists') return { result: { zxid: context.zxid, stat: toStat(meta) } };
      return { deferred: { type: 'read', path: operation.path, what: operation.what, meta } };
    }
    case 'getAllChildrenNumber':
      readable(draft, operation.path, context);
      return { deferred: { type: 'count', path: operation.path } };
    case 'listRegistrations':
      requirePath(operation.path);
      return { deferred: { type: 'registrations', path: operation.path } };
  }
}

function readable(draft: Draft, path: string, context: Context): NodeMeta {
  requirePath(path);
  const meta = requireNode(draft.node(path));
  requirePermission(meta, Permission.READ, context);
  return meta;
}

function readAcl(draft: Draft, path: string, context: Context): { acl: readonly Acl[]; stat: unknown } {
  requirePath(path);
  const meta = requireNode(draft.node(path));
  if (!permits(meta.acl, Permission.READ | Permission.ADMIN, context.identities)) throw new Refusal('NoAuth');
  return { acl: maskAcl(meta.acl, context.identities), stat: toStat(meta) };
}

function register(
  draft: Draft,
  operation: Extract<Operation, { type: 'register' }>,
  context: Context,
  number: number,
): RegistrationInfo {
  requirePath(operation.path);
  if (!/^https?:\/\//.test(operation.sink) || !URL.canParse(operation.sink)) throw new Refusal('BadArguments');
  const meta = draft.node(operation.path);
  if (meta !== null) requirePermission(meta, Permission.READ, context);
  const registration: RegistrationInfo = {
    id: `r${context.session}-${number}`,
    path: operation.path,
    kind: operation.kind,
    sink: operation.sink,
    zxid: context.zxid,
  };
  const record = { ...registration, session: context.session };
  draft.set('registration', registration.id, record);
  draft.effects.push({ type: 'register', registration: record });
  return registration;
}

function unregister(draft: Draft, id: string, path: string): void {
  const known = draft.get('registration', id);
  if (known === null || known.path !== path) throw new Refusal('NoWatcher');
  draft.set('registration', id, null);
  draft.effects.push({ type: 'unregister', path, id });
}
