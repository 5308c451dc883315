import { createHash } from 'node:crypto';
import type { Acl, Identity } from './acl.ts';
import { Permission } from './acl.ts';

/** `user:password` → `user:base64(sha1(user:password))` (DigestAuthenticationProvider.generateDigest). */
export function digestIdentity(userAndPassword: string): string {
  const user = userAndPassword.split(':', 1)[0] ?? '';
  return `${user}:${createHash('sha1').update(userAndPassword).digest('base64')}`;
}

/**
 * Whether the ACL gives one of `identities` any of `permissions` (ZooKeeperServer.checkACL). An empty ACL permits all,
 * as does the super user.
 */
export function permits(acl: readonly Acl[], permissions: number, identities: readonly Identity[]): boolean {
  if (acl.length === 0) return true;
  if (identities.some(({ scheme }) => scheme === 'super')) return true;
  return acl.some((entry) => {
    if ((entry.permissions & permissions) === 0) return false;
    if (entry.scheme === 'world' && entry.id === 'anyone') return true;
    return identities.some(({ scheme, id }) => scheme === entry.scheme && matches(scheme, id, entry.id));
  });
}

function matches(scheme: string, id: string, wanted: string): boolean {
  return scheme === 'ip' ? ipMatches(id, wanted) : id === wanted;
}

/** The address in bytes, or undefined when it is none. */
export function ipBytes(address: string): number[] | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    const bytes = address.split('.').map(Number);
    return bytes.every((byte) => byte <= 255) ? bytes : undefined;
  }
  if (!/^[0-9a-fA-F:]+$/.test(address) || !address.includes(':')) return undefined;
  const [head = '', tail, more] = address.split('::');
  if (more !== undefined) return undefined;
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array<string>(tail === undefined ? 0 : missing).fill('0'), ...right];
  if (groups.some((group) => group.length === 0 || group.length > 4)) return undefined;
  return groups.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** An address with an optional `/bits`, as IPAuthenticationProvider.isValid takes it. */
export function isValidIpId(id: string): boolean {
  const [address = '', bits, more] = id.split('/');
  const bytes = ipBytes(address);
  if (bytes === undefined || more !== undefined) return false;
  return bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= bytes.length * 8);
}

function ipMatches(id: string, wanted: string): boolean {
  const [address = '', bits] = wanted.split('/');
  const mine = ipBytes(id);
  const theirs = ipBytes(address);
  if (mine === undefined || theirs === undefined || mine.length !== theirs.length) return false;
  const length = bits === undefined ? theirs.length * 8 : Number(bits);
  return mine.every((byte, index) => {
    const used = Math.min(8, Math.max(0, length - index * 8));
    const mask = (0xff << (8 - used)) & 0xff;
    return (byte & mask) === ((theirs[index] ?? 0) & mask);
  });
}

/** Digest hashes are for holders of ADMIN only: `user:x` for anyone else (PrepRequestProcessor, getACL). */
export function maskAcl(acl: readonly Acl[], identities: readonly Identity[]): readonly Acl[] {
  if (permits(acl, Permission.ADMIN, identities)) return acl;
  return acl.map((entry) =>
    entry.scheme === 'digest' ? { ...entry, id: `${entry.id.split(':', 1)[0] ?? ''}:x` } : entry,
  );
}
