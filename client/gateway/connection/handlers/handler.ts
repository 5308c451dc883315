import { LIMITS } from '@faaskeeper/protocol';
import type { JuteReader } from '../../jute/index.ts';
import type { Slot } from '../replies.ts';
import type { Served } from '../served.ts';

/** One request that is being served: where its reply goes, and what is left to read of it. */
export interface Call {
  readonly slot: Slot;
  readonly xid: number;
  readonly reader: JuteReader;
  /** When it came, ms of performance.now(). */
  readonly since: number;
}

/** Reads a request and sees to its reply. @throws JuteError */
export type Handler = (served: Served, call: Call) => void;

/** A path as the system takes it; one that it could not even name is refused by its rules as an empty one. */
export function pathOf(path: string | null): string {
  if (path === null) return '';
  const fits = path.length <= LIMITS.pathBytes / 4 || Buffer.byteLength(path) <= LIMITS.pathBytes;
  return fits ? path : '';
}

/** The same for reads, which know the root by an empty name, too (DataTree). */
export function readPathOf(path: string | null): string {
  return path === '' ? '/' : pathOf(path);
}
