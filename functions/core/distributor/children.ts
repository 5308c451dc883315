import type { StoredChildren } from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';

type Chunk = Extract<StoredChildren, { in: 'chunks' }>['chunks'][number];

/** How children's chunks are read and named. */
export interface ChunkAccess {
  load(id: string): Promise<readonly string[]>;
  newId(): string;
}

export interface ChildrenEdit {
  readonly children: StoredChildren;
  /** Chunks to be stored before the node that names them. */
  readonly written: ReadonlyMap<string, readonly string[]>;
  /** Chunks that the node names no longer. */
  readonly superseded: readonly string[];
  readonly count: number;
}

export const NO_CHILDREN: StoredChildren = { in: 'object', names: [] };

export function countChildren(children: StoredChildren): number {
  return children.in === 'object' ? children.names.length : children.chunks.reduce((sum, { count }) => sum + count, 0);
}

export function chunkIds(children: StoredChildren): string[] {
  return children.in === 'object' ? [] : children.chunks.map(({ id }) => id);
}

/** Applies names made (true) and removed (false). Only the chunks that they touch are read and replaced. */
export async function editChildren(
  base: StoredChildren,
  edits: ReadonlyMap<string, boolean>,
  access: ChunkAccess,
): Promise<ChildrenEdit> {
  if (edits.size === 0) return { children: base, written: new Map(), superseded: [], count: countChildren(base) };
  if (base.in === 'object') return layOut(applyEdits(base.names, edits), [], access);
  const pieces = await editPieces(base.chunks, edits, access);
  const count = pieces.reduce((sum, piece) => sum + piece.count, 0);
  if (count <= BOUNDS.inlineAgain) {
    const names = await Promise.all(pieces.map((piece) => piece.names ?? access.load(piece.chunk!.id)));
    return layOut(names.flat(), chunkIds(base), access);
  }
  return settle(base, await joinSmall(pieces, access), access);
}

/** A chunk as it is (`chunk` only), or with names that have yet to be stored. */
interface Piece {
  readonly chunk?: Chunk;
  readonly names?: readonly string[];
  readonly count: number;
}

async function editPieces(
  chunks: readonly Chunk[],
  edits: ReadonlyMap<string, boolean>,
  access: ChunkAccess,
): Promise<Piece[]> {
  const touched = new Map<number, Map<string, boolean>>();
  for (const [name, present] of edits) {
    const at = chunkFor(chunks, name);
    const own = touched.get(at) ?? new Map<string, boolean>();
    touched.set(at, own.set(name, present));
  }
  const pieces = await Promise.all(
    chunks.map(async (chunk, at): Promise<Piece[]> => {
      const own = touched.get(at);
      if (own === undefined) return [{ chunk, count: chunk.count }];
      const before = await access.load(chunk.id);
      const after = applyEdits(before, own);
      if (after.length === before.length && after.every((name, i) => name === before[i])) {
        return [{ chunk, count: chunk.count }];
      }
      return split(after, at === chunks.length - 1).map((names) => ({ names, count: names.length }));
    }),
  );
  return pieces.flat();
}

/** Index of the chunk that holds a name, or would. */
export function chunkFor(chunks: readonly { first: string }[], name: string): number {
  let low = 0;
  let high = chunks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (chunks[middle]!.first <= name) low = middle;
    else high = middle - 1;
  }
  return low;
}

function applyEdits(names: readonly string[], edits: ReadonlyMap<string, boolean>): string[] {
  const known = new Set(names);
  const added: string[] = [];
  for (const [name, present] of edits) if (present && !known.has(name)) added.push(name);
  const kept = names.filter((name) => edits.get(name) !== false);
  if (added.length === 0) return kept;
  return [...kept, ...added].sort(byCodeUnits);
}

/** The order of `<` on strings, whatever the locale. */
export function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Names in pieces of at most `chunkNames`; the last chunk fills up, since sequential names come at its end. */
function split(names: readonly string[], isLast: boolean): string[][] {
  if (names.length === 0) return [];
  if (names.length <= BOUNDS.chunkNames) return [[...names]];
  const count = Math.ceil(names.length / BOUNDS.chunkFill);
  const size = isLast ? BOUNDS.chunkFill : Math.ceil(names.length / count);
  const pieces: string[][] = [];
  for (let at = 0; at < names.length; at += size) pieces.push(names.slice(at, at + size));
  return pieces;
}

async function joinSmall(pieces: readonly Piece[], access: ChunkAccess): Promise<Piece[]> {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const before = joined.at(-1);
    const changed = piece.names !== undefined || before?.names !== undefined;
    const small = Math.min(piece.count, before?.count ?? 0) < BOUNDS.chunkLow;
    if (before === undefined || !changed || !small || before.count + piece.count > BOUNDS.chunkFill) {
      joined.push(piece);
      continue;
    }
    const [left, right] = await Promise.all([before, piece].map((side) => side.names ?? access.load(side.chunk!.id)));
    joined.splice(-1, 1, { names: [...left!, ...right!], count: before.count + piece.count });
  }
  return joined;
}

function settle(base: StoredChildren, pieces: readonly Piece[], access: ChunkAccess): ChildrenEdit {
  const written = new Map<string, readonly string[]>();
  const chunks = pieces.map(({ chunk, names }): Chunk => {
    if (names === undefined) return chunk!;
    const id = access.newId();
    written.set(id, names);
    return { id, first: names[0]!, count: names.length };
  });
  const kept = new Set(chunks.map(({ id }) => id));
  return {
    children: { in: 'chunks', chunks },
    written,
    superseded: chunkIds(base).filter((id) => !kept.has(id)),
    count: chunks.reduce((sum, { count }) => sum + count, 0),
  };
}

/** All names anew: in the object, or in new chunks. */
export function layOut(names: readonly string[], superseded: readonly string[], access: ChunkAccess): ChildrenEdit {
  if (names.length <= BOUNDS.inlineNames) {
    return { children: { in: 'object', names: [...names] }, written: new Map(), superseded, count: names.length };
  }
  const pieces: Piece[] = [];
  for (let at = 0; at < names.length; at += BOUNDS.chunkFill) {
    const part = names.slice(at, at + BOUNDS.chunkFill);
    pieces.push({ names: part, count: part.length });
  }
  return { ...settle(NO_CHILDREN, pieces, access), superseded };
}
