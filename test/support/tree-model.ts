import {
  type Acl,
  childPath,
  isWorldReadable,
  type NodeMeta,
  nodeName,
  OPEN_ACL_UNSAFE,
  parentPath,
  type RegistrationInfo,
} from '@faaskeeper/protocol';
import { type Effect, encodeLogPayload, type LogEntry } from '../../functions/core/log-entry.ts';
import type { Log } from '../../functions/core/ports.ts';

export type Step =
  | { readonly create: string; readonly data?: Uint8Array | null; readonly acl?: readonly Acl[] }
  | { readonly set: string; readonly data: Uint8Array | null }
  | { readonly acl: string; readonly to: readonly Acl[] }
  | { readonly remove: string }
  | { readonly register: Omit<RegistrationInfo, 'zxid'> }
  | { readonly unregister: RegistrationInfo };

interface ModelNode {
  meta: NodeMeta;
  data: Uint8Array | null;
}

export const PRIVATE_ACL: readonly Acl[] = [{ scheme: 'digest', id: 'alice:x', permissions: 31 }];

/** A znode tree that turns steps into LOG entries, and knows what must be visible after each. */
export class TreeModel {
  readonly nodes = new Map<string, ModelNode>();
  zxid = 0;
  sequence = 0;
  readonly entries: LogEntry[] = [];
  /** The root, made by the first entry. */
  #born: Effect[] = [this.#create('/', { acl: OPEN_ACL_UNSAFE })];

  /** One entry with one transaction an argument; the first entry also makes the root. */
  entry(...transactions: (readonly Step[] | (() => readonly Step[]))[]): LogEntry {
    const zxidBefore = this.zxid;
    const born = this.#born.length === 0 ? [] : [{ zxid: 0, session: 0, number: 0, effects: this.#born }];
    this.#born = [];
    const made = transactions.map((steps) => {
      this.zxid++;
      return {
        zxid: this.zxid,
        session: 7,
        number: this.zxid,
        effects: (typeof steps === 'function' ? steps() : steps).flatMap((step) => this.#effects(step)),
      };
    });
    const entry: LogEntry = {
      id: `entry${++this.sequence}`,
      time: 1_000 + this.sequence,
      zxidBefore,
      zxid: this.zxid,
      transactions: [...born, ...made],
      progress:
        made.length === 0 ? [] : [{ session: 7, last: this.zxid, lowest: this.zxid, confirmedFrom: zxidBefore }],
    };
    this.entries.push(entry);
    return entry;
  }

  /** One entry of random transactions, each of which fits the tree that the one before left. */
  randomEntry(random: () => number, transactions: number): LogEntry {
    return this.entry(...Array.from({ length: transactions }, () => () => [randomStep(this, random)]));
  }

  message(entry: LogEntry): { sequence: number; payload: Uint8Array } {
    return { sequence: this.entries.indexOf(entry) + 1, payload: encodeLogPayload({ in: 'message', entry }) };
  }

  /** Appends the entries from `from` (an index) on, in order. */
  async append(log: Log, from = 0): Promise<void> {
    for (let at = from; at < this.entries.length; at++) {
      const { payload } = this.message(this.entries[at]!);
      const outcome = await log.append(payload, at);
      if (outcome.outcome !== 'appended') throw new Error(`Not appended: ${outcome.outcome}`);
    }
  }

  childrenOf(path: string): string[] {
    const children: string[] = [];
    for (const other of this.nodes.keys()) {
      if (other !== '/' && parentPath(other) === path) children.push(nodeName(other));
    }
    return children.sort((a, b) => (a < b ? -1 : 1));
  }

  #effects(step: Step): Effect[] {
    if ('register' in step) {
      return [{ type: 'register', registration: { ...step.register, zxid: this.zxid, session: 7 } }];
    }
    if ('unregister' in step) return [{ type: 'unregister', path: step.unregister.path, id: step.unregister.id }];
    if ('create' in step) {
      return [this.#create(step.create, step), this.#parent(step.create, 1)];
    }
    if ('remove' in step) {
      const { meta } = this.#node(step.remove);
      if (meta.numChildren > 0) throw new Error(`${step.remove} is not empty`);
      this.nodes.delete(step.remove);
      const { kind, ephemeralOwner, acl } = meta;
      const before = isWorldReadable(acl) ? {} : { acl };
      return [{ type: 'delete', path: step.remove, kind, ephemeralOwner, ...before }, this.#parent(step.remove, -1)];
    }
    const path = 'set' in step ? step.set : step.acl;
    const node = this.#node(path);
    if ('acl' in step) {
      node.meta = { ...node.meta, aversion: node.meta.aversion + 1, acl: step.to };
      return [{ type: 'put', path, change: 'acl', meta: node.meta }];
    }
    const { data } = step;
    node.data = data;
    node.meta = { ...node.meta, version: node.meta.version + 1, mzxid: this.zxid, dataLength: data?.length ?? 0 };
    return [{ type: 'put', path, change: 'data', meta: node.meta, data }];
  }

  #create(
    path: string,
    { data = null, acl = OPEN_ACL_UNSAFE }: { data?: Uint8Array | null; acl?: readonly Acl[] },
  ): Effect {
    if (this.nodes.has(path)) throw new Error(`${path} exists`);
    const { zxid } = this;
    const meta: NodeMeta = {
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: 1,
      mtime: 1,
      version: 0,
      aversion: 0,
      created: 0,
      numChildren: 0,
      dataLength: data?.length ?? 0,
      kind: 'persistent',
      ephemeralOwner: 0,
      ttl: 0,
      acl,
    };
    this.nodes.set(path, { meta, data });
    return { type: 'put', path, change: 'created', meta, data };
  }

  #parent(path: string, by: 1 | -1): Effect {
    const parent = parentPath(path);
    const node = this.#node(parent);
    const created = node.meta.created + (by === 1 ? 1 : 0);
    node.meta = { ...node.meta, created, numChildren: node.meta.numChildren + by, pzxid: this.zxid };
    return { type: 'put', path: parent, change: 'children', meta: node.meta };
  }

  #node(path: string): ModelNode {
    const node = this.nodes.get(path);
    if (node === undefined) throw new Error(`${path} does not exist`);
    return node;
  }
}

/** Reproducible: the same seed gives the same numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A step that fits the tree: creates, sets, deletes (leaves only) and ACL changes below a few parents. */
export function randomStep(model: TreeModel, random: () => number): Step {
  const paths = [...model.nodes.keys()];
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const data = new Uint8Array(Math.floor(random() * 40)).fill(Math.floor(random() * 256));
  const dice = random();
  const path = pick(paths);
  if (dice < 0.3 && path !== '/') return { set: path, data: random() < 0.1 ? null : data };
  if (dice < 0.5 && path !== '/' && model.childrenOf(path).length === 0) return { remove: path };
  if (dice < 0.6 && path !== '/') return { acl: path, to: random() < 0.5 ? PRIVATE_ACL : OPEN_ACL_UNSAFE };
  const parent = path.split('/').length > 4 ? '/' : path;
  for (;;) {
    const create = childPath(parent, `n${Math.floor(random() * 1_000)}`);
    if (!model.nodes.has(create)) return { create, data, ...(random() < 0.2 ? { acl: PRIVATE_ACL } : {}) };
  }
}
