import { feedDigest, type Stat } from '@faaskeeper/protocol';
import { LRUCache } from 'lru-cache';
import { DEFAULTS } from '../defaults.ts';
import type { NodeState } from '../reads/node-state.ts';
import type { Step } from '../watermark.ts';

interface Written {
  readonly path: string;
  readonly stat: Stat;
  readonly data: Uint8Array | null;
}

/**
 * Nodes that were read more than once, each exactly as of the session's watermark: a step of the watermark that names a
 * node drops it before it is taken (invariant 8). Nodes that do not exist are kept as well.
 */
export class NearCache {
  readonly #nodes: LRUCache<string, NodeState>;
  readonly #paths = new Map<bigint, string>();
  /** Read once; two generations bound it. */
  #seen = new Set<string>();
  #seenBefore = new Set<string>();
  /** Data that this process has written to cached nodes and that no step covers yet, by transaction. */
  readonly #written = new Map<number, Written>();

  constructor(bytes: number) {
    this.#nodes = new LRUCache({
      maxSize: bytes,
      sizeCalculation: sizeOf,
      dispose: (_node, path, reason) => {
        if (reason !== 'set') this.#paths.delete(feedDigest(path));
      },
    });
  }

  get size(): number {
    return this.#nodes.size;
  }

  get bytes(): number {
    return this.#nodes.calculatedSize;
  }

  get(path: string): NodeState | undefined {
    return this.#nodes.get(path);
  }

  /** A read delivered this node, which is exact as of the watermark: kept from the second time on. */
  offer(path: string, node: NodeState): void {
    if (!this.#seen.has(path) && !this.#seenBefore.has(path)) {
      if (this.#seen.size >= DEFAULTS.readOncePaths / 2) {
        this.#seenBefore = this.#seen;
        this.#seen = new Set();
      }
      this.#seen.add(path);
      return;
    }
    this.#nodes.set(path, node);
    if (this.#nodes.has(path)) this.#paths.set(feedDigest(path), path);
  }

  /** Drops what the step names. */
  outdate(step: Step): void {
    if (this.#nodes.size === 0) return;
    if (step.entries === null) {
      this.clear();
      return;
    }
    for (const [digest, zxid] of step.entries) {
      const path = this.#paths.get(digest);
      if (path === undefined) continue;
      const node = this.#nodes.peek(path);
      if (node !== undefined && node.zxid < zxid) this.#replace(path, node, zxid);
    }
    for (const zxid of this.#written.keys()) if (zxid <= step.zxid) this.#written.delete(zxid);
  }

  /**
   * A setData of this process was answered with this Stat. If the step that covers it
   * says that nothing has happened to the node since, the node need not be read again.
   */
  written(path: string, stat: Stat, data: Uint8Array | null): void {
    if (!this.#nodes.has(path)) return;
    // It costs no more than a GET if one is forgotten.
    if (this.#written.size >= DEFAULTS.keptWrites) this.#written.clear();
    // The caller may use its bytes for something else.
    const kept = data === null ? null : new Uint8Array(data);
    this.#written.set(stat.mzxid, { path, stat: Object.freeze(stat), data: kept });
  }

  /** The node changed last at `zxid`: to what was written, if that is what `zxid` was, and nothing else of it changed. */
  #replace(path: string, node: NodeState, zxid: number): void {
    const written = this.#written.get(zxid);
    const exact =
      written !== undefined &&
      written.path === path &&
      node.state === 'node' &&
      // The same node, as readable as it was, with the same children.
      written.stat.czxid === node.stat.czxid &&
      written.stat.aversion === node.stat.aversion &&
      written.stat.cversion === node.stat.cversion &&
      written.stat.pzxid === node.stat.pzxid;
    if (exact) this.#nodes.set(path, { ...node, zxid, stat: written.stat, data: written.data });
    else this.#nodes.delete(path);
  }

  clear(): void {
    this.#written.clear();
    this.#nodes.clear();
    this.#paths.clear();
  }
}

/** About what V8 needs for a node beside its data, bytes. */
const OVERHEAD = 400;

function sizeOf(node: NodeState, path: string): number {
  let size = OVERHEAD + path.length * 2;
  if (node.state !== 'node') return size;
  size += node.data?.length ?? 0;
  for (const name of node.children ?? []) size += 24 + name.length;
  return size;
}
