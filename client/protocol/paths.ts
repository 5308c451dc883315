import { createHash } from 'node:crypto';
import { BadArgumentsError } from './errors.ts';

/**
 * Checks a znode path by ZooKeeper's rules (PathUtils.validatePath).
 *
 * @throws BadArgumentsError naming the path and the reason.
 */
export function validatePath(path: string, sequential = false): void {
  const reason = pathProblem(sequential ? `${path}1` : path);
  if (reason !== undefined) throw new BadArgumentsError(`Invalid path ${JSON.stringify(path)}: ${reason}`, { path });
}

/** The reason why ZooKeeper refuses this path, or undefined for a valid one. */
export function pathProblem(path: string): string | undefined {
  if (typeof path !== 'string' || path.length === 0) return 'a path must not be empty';
  if (path[0] !== '/') return 'a path must start with /';
  if (path.length === 1) return undefined;
  if (path.endsWith('/')) return 'a path must not end with /';
  for (const part of path.slice(1).split('/')) {
    if (part === '') return 'an empty node name (//) is not allowed';
    if (part === '.' || part === '..') return 'relative paths are not allowed';
  }
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === 0) return 'the null character is not allowed';
    if (
      code <= 0x1f ||
      (code >= 0x7f && code <= 0x9f) ||
      (code >= 0xd800 && code <= 0xf8ff) ||
      (code >= 0xfff0 && code <= 0xffff)
    ) {
      return `character U+${code.toString(16).padStart(4, '0')} at ${i} is not allowed`;
    }
  }
  return undefined;
}

/** `/a/b` → `/a`, `/a` → `/`; the root has no parent. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** The last component of a path: `/a/b` → `b`. */
export function nodeName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

/** `/a/b/c` → `/a/b`, `/a`, `/`: nearest first. */
export function ancestors(path: string): string[] {
  const found: string[] = [];
  for (let at = path; at !== '/'; ) {
    at = parentPath(at);
    found.push(at);
  }
  return found;
}

/** True when `path` is `root` or lies below it. */
export function isWithin(path: string, root: string): boolean {
  return root === '/' || path === root || path.startsWith(`${root}/`);
}

/** The ten digits that ZooKeeper appends to the name of a sequential node. */
export function sequenceSuffix(counter: number): string {
  const digits = Math.abs(counter)
    .toString()
    .padStart(counter < 0 ? 9 : 10, '0');
  return counter < 0 ? `-${digits}` : digits;
}

/** 32 hex digits that stand for a path in object keys: fixed length, whatever the path. */
export function pathDigest(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32);
}

const DIGEST_CACHE = new Map<string, bigint>();
const DIGEST_CACHE_ENTRIES = 20_000;

/**
 * 64-bit digest of a path, as watermarks list it. `subtree` gives the digest under which a watermark lists "something
 * at or below this path".
 */
export function feedDigest(path: string, subtree = false): bigint {
  return digestOf(subtree ? `*${path}` : path);
}

/** The same for changes that are told on the system's subjects only: the system's watermark lists them besides. */
export function protectedDigest(path: string, subtree = false): bigint {
  return digestOf(subtree ? `!*${path}` : `!${path}`);
}

/** Under it a watermark lists how many nodes it tells of at or below the path, if those are several. */
export function countDigest(path: string, isProtected = false): bigint {
  return digestOf(isProtected ? `!#${path}` : `#${path}`);
}

function digestOf(key: string): bigint {
  const known = DIGEST_CACHE.get(key);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(key).digest().readBigUInt64BE(0);
  if (DIGEST_CACHE.size >= DIGEST_CACHE_ENTRIES) DIGEST_CACHE.clear();
  DIGEST_CACHE.set(key, digest);
  return digest;
}
