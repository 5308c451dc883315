import {
  DamagedError,
  isWorldReadable,
  type NodeMeta,
  type NodeObject,
  type PresentNode,
  type StorageKeys,
  SystemError,
} from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import type { NodeChange } from '../coalesce.ts';
import { reportFault, reportRepair } from '../faults.ts';
import { sequencedId } from '../log-parts.ts';
import { backOff, inParallel } from '../parallel.ts';
import { type Outside, OvertakenError } from '../ports.ts';
import { type ChildrenEdit, chunkIds, editChildren, layOut, NO_CHILDREN } from './children.ts';
import { NodeData } from './node-data.ts';
import type { NodeSource } from './node-source.ts';
import { NOT_THERE, type ObjectCache, type Seen } from './object-cache.ts';

/** What a write found out: could anyone read the node before? In doubt false. */
export interface Written {
  readonly wasReadable: boolean;
}

/** Called before an object is created where none was seen: throws when this distributor may have been overtaken. */
export type LeadCheck = () => Promise<void>;

/**
 * Makes one node's final state visible (invariant 9). The public key is the mark of completion: whoever finds its zxid
 * at or above the change's own knows that all of it is stored.
 */
export class NodeWriter {
  readonly #outside: Outside;
  readonly #keys: StorageKeys;
  readonly #cache: ObjectCache;
  readonly #data: NodeData;
  readonly #onSuperseded: (keys: string[], zxid: number) => void;
  readonly #onOrphans: () => void;

  constructor(
    outside: Outside,
    options: {
      keys: StorageKeys;
      cache: ObjectCache;
      /** Data of more bytes is an object of its own. */
      inlineDataBytes: number;
      onSuperseded: (keys: string[], zxid: number) => void;
      /** Chunks or data may have been stored that no object will ever name. */
      onOrphans: () => void;
    },
  ) {
    this.#outside = outside;
    this.#keys = options.keys;
    this.#cache = options.cache;
    this.#data = new NodeData(outside, options);
    this.#onSuperseded = options.onSuperseded;
    this.#onOrphans = options.onOrphans;
  }

  /**
   * What the change builds on is damaged or lost: then all of the node is taken from `source`.
   *
   * @throws when the object could not be written within bounded tries, or when `source` lacks it, too.
   */
  async write(wanted: NodeChange, checkLead: LeadCheck, source?: NodeSource): Promise<Written> {
    let change = wanted.repair === true && source !== undefined ? await repaired(wanted, source) : wanted;
    if (change === undefined) return { wasReadable: false };
    // A node that did not exist before this batch is first written without looking: one round trip instead of two.
    let guess = change.wasAbsent;
    let failure: unknown;
    for (let attempt = 1; attempt <= BOUNDS.objectAttempts; attempt++) {
      try {
        const written = await this.#attempt(change, guess, checkLead);
        if (written !== undefined) {
          if (change !== wanted) this.#isRepaired(change);
          return written;
        }
      } catch (error) {
        if (error instanceof OvertakenError) throw error;
        failure = error;
        this.#outside.logger.warn({ path: change.path, zxid: change.zxid, attempt, err: error }, 'object not written');
        // Not at once: what was remembered of it may only have been old.
        if (error instanceof DamagedError && attempt > 1 && source !== undefined && change === wanted) {
          const about = { path: change.path, err: error };
          reportFault(this.#outside, 'object-lost', about, 'what a change builds on is lost');
          change = await wholeNode(wanted, source);
        } else await backOff(this.#outside, attempt);
      }
      if (change.children.size > 0) this.#onOrphans();
      guess = false;
      this.#cache.forget(this.#keys.node(change.path));
      this.#cache.forget(this.#keys.protectedNode(change.path));
    }
    throw failure ?? new SystemError(`The object of ${change.path} kept changing`, { path: change.path });
  }

  #isRepaired({ path, zxid }: NodeChange): void {
    reportRepair(this.#outside, 'object', { path, zxid }, 'an object is written anew');
    // What the damaged object named is not known.
    this.#onOrphans();
  }

  /** undefined: a conflict; look again. */
  async #attempt(change: NodeChange, guess: boolean, checkLead: LeadCheck): Promise<Written | undefined> {
    const { path, zxid, meta } = change;
    const publicKey = this.#keys.node(path);
    const protectedKey = this.#keys.protectedNode(path);
    const shown = guess ? NOT_THERE : await this.#cache.node(publicKey, path);
    if (shown.object !== undefined && shown.object.zxid >= zxid) return await this.#alreadyDone(change, shown.object);
    const willBeProtected = meta !== undefined && !isWorldReadable(meta.acl);
    // A stub that is damaged or lost does not say that it was one.
    const mayBeHidden = willBeProtected || (shown.object?.state ?? 'protected') === 'protected';
    const hidden = mayBeHidden && !guess ? await this.#cache.node(protectedKey, path) : NOT_THERE;
    const isStub = shown.object === undefined && (hidden.damaged === true || hidden.object?.state === 'node');
    const wasProtected = shown.object?.state === 'protected' || isStub;
    if (shown.etag === undefined) await checkLead();
    const result = { wasReadable: !wasProtected };

    if (hidden.object !== undefined && hidden.object.zxid >= zxid) {
      // Another distributor (or this one before a crash) was here and has yet to write the public key.
      const state = hidden.object.state === 'node' ? 'protected' : 'absent';
      const done = await this.#cache.put(publicKey, shown, { state, path, zxid: hidden.object.zxid });
      return done ? result : undefined;
    }
    const base = (wasProtected ? hidden : shown).object;
    const place = { key: willBeProtected ? protectedKey : publicKey, isProtected: willBeProtected };
    const built =
      meta === undefined
        ? { object: { state: 'absent', path, zxid } as const, edit: undefined }
        : await this.#build({
            change,
            meta,
            base,
            moved: wasProtected !== willBeProtected,
            isProtected: willBeProtected,
          });
    const done = willBeProtected
      ? (await this.#cache.put(place.key, hidden, built.object)) &&
        (await this.#cache.put(publicKey, shown, { state: 'protected', path, zxid }))
      : await this.#showPublicly({ change, shown, hidden, wasProtected, object: built.object });
    if (!done) return undefined;
    const data = built.object.state === 'node' ? built.object.dataId : undefined;
    await this.#letGo(base, { wasProtected, willBeProtected, zxid, path, data }, built.edit);
    return result;
  }

  /** What was protected: a deletion is first hidden there, a node that anyone may read now is first shown here. */
  async #showPublicly(write: {
    change: NodeChange;
    shown: Seen;
    hidden: Seen;
    wasProtected: boolean;
    object: NodeObject;
  }): Promise<boolean> {
    const { path, zxid } = write.change;
    const publicKey = this.#keys.node(path);
    if (!write.wasProtected) return await this.#cache.put(publicKey, write.shown, write.object);
    const bury = () => this.#cache.put(this.#keys.protectedNode(path), write.hidden, { state: 'absent', path, zxid });
    if (write.object.state === 'absent')
      return (await bury()) && (await this.#cache.put(publicKey, write.shown, write.object));
    if (!(await this.#cache.put(publicKey, write.shown, write.object))) return false;
    // The node is visible; a conflict here means that a newer transaction is at work there.
    await bury();
    return true;
  }

  /** Finishes what a crash may have left, and errs on the side of silence about who may listen. */
  async #alreadyDone(change: NodeChange, shown: NodeObject): Promise<Written> {
    const { path, changes } = change;
    const hadProtection = change.wasProtected || changes.some(({ kind }) => kind === 'acl' || kind === 'deleted');
    if (shown.state === 'protected') return { wasReadable: false };
    if (!hadProtection) return { wasReadable: true };
    const key = this.#keys.protectedNode(path);
    const hidden = await this.#cache.node(key, path);
    // Also what this one has just put there, before it met the newer object.
    if (hidden.object?.state === 'node' && hidden.object.zxid < shown.zxid) {
      await this.#cache.put(key, hidden, { state: 'absent', path, zxid: shown.zxid });
    }
    // It may have been protected in between, where another distributor took both changes as one.
    return { wasReadable: hidden.object === undefined && changes[0]?.kind !== 'acl' };
  }

  async #build(write: {
    change: NodeChange;
    meta: NodeMeta;
    base: NodeObject | undefined;
    moved: boolean;
    isProtected: boolean;
  }): Promise<{ object: PresentNode; edit: ChildrenEdit }> {
    const { change, meta, isProtected } = write;
    const { path, zxid } = change;
    const base = change.fresh ? undefined : presentBase(path, write.base);
    const access = this.#access(path, isProtected, zxid);
    let edit = await editChildren(
      base?.children ?? NO_CHILDREN,
      change.children,
      write.moved && base !== undefined ? this.#access(path, !isProtected, zxid) : access,
    );
    if (write.moved && edit.children.in === 'chunks') {
      const from = this.#access(path, !isProtected, zxid);
      const names = await Promise.all(chunkIds(edit.children).map((id) => edit.written.get(id) ?? from.load(id)));
      edit = layOut(names.flat(), [], access);
    }
    const to = { path, zxid, isProtected };
    const stored =
      change.data === undefined
        ? await this.#data.carry(meta, base, { ...to, wasProtected: write.moved ? !isProtected : isProtected })
        : await this.#data.store(change.data, to);
    checkChildren(path, { meta, count: edit.count, base, edited: change.children.size > 0 });
    await inParallel(edit.written, BOUNDS.parallelObjects, ([id, names]) =>
      this.#cache.putChunk(this.#chunkKey(path, id, isProtected), names),
    );
    const { acl: _acl, ...shownMeta } = meta;
    return { object: { state: 'node', path, zxid, meta: shownMeta, ...stored, children: edit.children }, edit };
  }

  #access(path: string, isProtected: boolean, zxid: number) {
    return {
      load: (id: string) => this.#cache.chunk(this.#chunkKey(path, id, isProtected), path),
      newId: () => sequencedId(zxid, this.#outside.random),
    };
  }

  #chunkKey(path: string, id: string, isProtected: boolean): string {
    return isProtected ? this.#keys.protectedChunk(path, id) : this.#keys.chunk(path, id);
  }

  /** Of what a node's object names no longer. */
  async #letGo(
    base: NodeObject | undefined,
    write: { wasProtected: boolean; willBeProtected: boolean; zxid: number; path: string; data: string | undefined },
    edit: ChildrenEdit | undefined,
  ): Promise<void> {
    if (base?.state !== 'node') return;
    const moved = write.wasProtected !== write.willBeProtected;
    const kept = new Set(moved || edit === undefined ? [] : chunkIds(edit.children));
    const gone = chunkIds(base.children)
      .filter((id) => !kept.has(id))
      .map((id) => this.#chunkKey(write.path, id, write.wasProtected));
    if (base.dataId !== undefined && (moved || base.dataId !== write.data)) {
      gone.push(this.#data.key(write.path, base.dataId, write.wasProtected));
    }
    if (gone.length === 0) return;
    try {
      // Not for everyone any more: whoever remembers its name must not find it.
      if (moved && write.willBeProtected) await this.#outside.objects.delete(gone);
      else this.#onSuperseded(gone, write.zxid);
    } catch (err) {
      this.#outside.logger.warn({ path: write.path, err }, 'what is protected now is still stored for everyone');
      this.#onSuperseded(gone, write.zxid);
    }
  }
}

async function wholeNode(change: NodeChange, source: NodeSource): Promise<NodeChange> {
  const { meta, data, names } = await source.node(change.path);
  const children = new Map(names.map((name) => [name, true]));
  return { ...change, meta, data, children, fresh: true, wasAbsent: false };
}

/** undefined: there is nothing to do, others have gone past it. */
async function repaired(change: NodeChange, source: NodeSource): Promise<NodeChange | undefined> {
  try {
    return await wholeNode(change, source);
  } catch (error) {
    if (!(error instanceof OvertakenError)) throw error;
    return change.changes.length === 0 ? undefined : change;
  }
}

function presentBase(path: string, base: NodeObject | undefined): PresentNode {
  if (base?.state === 'node') return base;
  throw new DamagedError(`User storage lost the object of ${path}: a change of it has nothing to build on`, { path });
}

function checkChildren(
  path: string,
  { meta, count, base, edited }: { meta: NodeMeta; count: number; base: PresentNode | undefined; edited: boolean },
): void {
  const untouched = base === undefined || edited || base.meta.pzxid === meta.pzxid;
  if (count === meta.numChildren && untouched) return;
  throw new DamagedError(`User storage has ${count} children of ${path}, but there are ${meta.numChildren}`, { path });
}
