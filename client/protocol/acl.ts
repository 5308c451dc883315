/** ZooKeeper's permission bits (ZooDefs.Perms). */
export const Permission = { READ: 1, WRITE: 2, CREATE: 4, DELETE: 8, ADMIN: 16, ALL: 31 } as const;

/** An identity: who holds a permission, or what a session has authenticated as. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** One entry of an access control list: permission bits (1..31) for an identity. */
export interface Acl extends Identity {
  readonly permissions: number;
}

export const OPEN_ACL_UNSAFE: readonly Acl[] = [{ scheme: 'world', id: 'anyone', permissions: Permission.ALL }];
export const READ_ACL_UNSAFE: readonly Acl[] = [{ scheme: 'world', id: 'anyone', permissions: Permission.READ }];
export const CREATOR_ALL_ACL: readonly Acl[] = [{ scheme: 'auth', id: '', permissions: Permission.ALL }];

/** True when anyone may read: only such nodes are stored where clients read directly (DESIGN, invariant 13). */
export function isWorldReadable(acl: readonly Acl[]): boolean {
  return acl.some(
    (entry) => entry.scheme === 'world' && entry.id === 'anyone' && (entry.permissions & Permission.READ) !== 0,
  );
}
