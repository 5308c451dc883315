import { type Acl, Permission } from '@faaskeeper/protocol';
import { UsageError } from './errors.ts';

/** In the order in which ZooKeeper prints them. */
const LETTERS: readonly (readonly [letter: string, bit: number])[] = [
  ['c', Permission.CREATE],
  ['d', Permission.DELETE],
  ['r', Permission.READ],
  ['w', Permission.WRITE],
  ['a', Permission.ADMIN],
];

/** 31 → `cdrwa`. */
export function permissionLetters(permissions: number): string {
  return LETTERS.filter(([, bit]) => (permissions & bit) !== 0)
    .map(([letter]) => letter)
    .join('');
}

/**
 * Reads `scheme:id:permissions`, comma separated (AclParser): the scheme ends at the first colon, the permissions begin
 * after the last.
 *
 * @throws UsageError naming the entry that is not so.
 */
export function parseAcl(text: string): Acl[] {
  return text.split(',').map((raw) => {
    const entry = raw.trim();
    const first = entry.indexOf(':');
    const last = entry.lastIndexOf(':');
    if (first === -1 || first === last) {
      throw new UsageError(`${entry} does not have the form scheme:id:perm (for example world:anyone:cdrwa).`);
    }
    return {
      scheme: entry.slice(0, first),
      id: entry.slice(first + 1, last),
      permissions: permissionBits(entry.slice(last + 1)),
    };
  });
}

function permissionBits(letters: string): number {
  let bits = 0;
  for (const letter of letters) {
    const known = LETTERS.find(([name]) => name === letter);
    if (known === undefined) throw new UsageError(`Unknown perm type: ${letter}. Permissions are letters of cdrwa.`);
    bits |= known[1];
  }
  return bits;
}

/** As zkCli prints an ACL: two lines an entry. */
export function formatAcl(acl: readonly Acl[]): string {
  return acl.map(({ scheme, id, permissions }) => `'${scheme},'${id}\n: ${permissionLetters(permissions)}`).join('\n');
}
