import {
  type Acl,
  type ErrorCode,
  type Identity,
  type InstanceSpec,
  isValidIpId,
  isValidX509Id,
  type NodeMeta,
  pathProblem,
  permits,
} from '@faaskeeper/protocol';

/** A request that fails by ZooKeeper's rules: committed as an error transaction. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(code);
    this.code = code;
  }
}

/** What a transaction is judged with besides the state. */
export interface Context {
  readonly zxid: number;
  /** ms */
  readonly time: number;
  readonly session: number;
  readonly identities: readonly Identity[];
  /** What the instance may hold. */
  readonly limits?: InstanceSpec['limits'];
  /** Hard limits of quotas are limits. */
  readonly enforceQuota?: InstanceSpec['enforceQuota'];
}

/** Paths that ZooKeeper never deletes (ZKDatabase.isSpecialPath). */
const SPECIAL_PATHS: ReadonlySet<string> = new Set(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']);

export function isSpecialPath(path: string): boolean {
  return SPECIAL_PATHS.has(path);
}

export function requirePath(path: string): void {
  if (pathProblem(path) !== undefined) throw new Refusal('BadArguments');
}

export function requireNode(meta: NodeMeta | null): NodeMeta {
  if (meta === null) throw new Refusal('NoNode');
  return meta;
}

export function requirePermission(meta: NodeMeta, permission: number, context: Context): void {
  if (!permits(meta.acl, permission, context.identities)) throw new Refusal('NoAuth');
}

/** -1 matches any version. */
export function requireVersion(actual: number, expected: number): void {
  if (expected !== -1 && expected !== actual) throw new Refusal('BadVersion');
}

/**
 * The ACL as it is stored: duplicates dropped, `auth` replaced by the caller's identities (PrepRequestProcessor.fixupACL).
 *
 * @throws Refusal InvalidAcl for an empty ACL, an unknown scheme, an invalid id, or `auth` without an identity.
 */
export function storedAcl(acl: readonly Acl[], identities: readonly Identity[]): Acl[] {
  const stored: Acl[] = [];
  const add = (entry: Acl) => {
    const known = stored.some(
      ({ scheme, id, permissions }) => scheme === entry.scheme && id === entry.id && permissions === entry.permissions,
    );
    if (!known) stored.push({ scheme: entry.scheme, id: entry.id, permissions: entry.permissions });
  };
  if (acl.length === 0) throw new Refusal('InvalidAcl');
  for (const entry of acl) {
    if (entry.scheme === 'auth') {
      const mine = identities.filter(({ scheme }) => isAuthenticatedScheme(scheme));
      if (mine.length === 0) throw new Refusal('InvalidAcl');
      for (const identity of mine) add({ ...identity, permissions: entry.permissions });
    } else if (isValidId(entry)) add(entry);
    else throw new Refusal('InvalidAcl');
  }
  return stored;
}

/** The address that a client comes from authenticates nobody (IPAuthenticationProvider.isAuthenticated). */
function isAuthenticatedScheme(scheme: string): boolean {
  return scheme !== 'ip' && scheme !== 'world' && scheme !== 'super';
}

function isValidId({ scheme, id }: Identity): boolean {
  switch (scheme) {
    case 'world':
      return id === 'anyone';
    case 'digest':
      return id.split(':').length === 2;
    case 'ip':
      return isValidIpId(id);
    case 'x509':
      return isValidX509Id(id);
    default:
      return false;
  }
}
