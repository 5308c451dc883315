import {
  ancestors,
  type ChangeMessage,
  type CommittedMessage,
  decodeAs,
  feedMessageSchema,
  type Identity,
  NoWatcherError,
  Permission,
  permits,
  type Subjects,
  subjects,
} from '@faaskeeper/protocol';
import { callSafely } from '../emitter.ts';
import type { Messaging } from '../ports.ts';
import type { SessionState } from '../session/states.ts';
import type { Step } from '../watermark.ts';
import {
  type AddWatchMode,
  type Change,
  EVENT_TYPES,
  type Known,
  missedChanges,
  type WatchCallback,
  type WatchEvent,
  type WatchKind,
} from './events.ts';
import {
  type Feed,
  type HeardChange,
  isToldBelow,
  KEPT,
  type Kept,
  knownAfter,
  lacksBelow,
  lacksNode,
  type WatchedPath,
  watchedPath,
} from './watched-path.ts';

export interface WatchesOptions {
  readonly messaging: Messaging;
  readonly instance: string;
  readonly watermark: () => number;
  readonly state: () => SessionState;
  /** Called before an event of this transaction is told: all that belongs to earlier ones has been. */
  readonly onTell: (zxid: number) => void;
  /** The session must see no state before this zxid any more: what it changed is about to be told. */
  readonly see: (zxid: number) => void;
  /** No call is to be answered, nor a step of the watermark to be taken, before what a writer tells. */
  readonly mayAnticipate: () => boolean;
  /** The path as the user knows it (chroot). */
  readonly toUser: (path: string) => string;
  /**
   * Who the session is: it listens to the system's subjects, too, and tells what these identities may read. One-shot
   * watches are spent on what they may not, as in ZooKeeper. undefined: what is not for everyone is read, if listed.
   */
  readonly identities?: (() => readonly Identity[]) | undefined;
}

export interface Lack {
  readonly path: string;
  /** zxid that the node has reached. */
  readonly zxid: number;
}

/**
 * The watches of a session. A watch is a subscription to the changes of its path; what is heard waits for the watermark
 * that covers it and is then told in order of zxid. The watermark's digests tell what was not heard (invariant 7). What a
 * writer tells of a batch waits for nothing where it follows on what the session was told last: it names all that the
 * batch changed.
 */
export class Watches {
  readonly #options: WatchesOptions;
  readonly #subjects: ReturnType<typeof subjects>;
  readonly #paths = new Map<string, WatchedPath>();
  readonly #digests = new Map<bigint, WatchedPath>();
  #recursive = 0;
  #armed = 0;
  #heard: HeardChange[] = [];
  /** Everything up to here was told before the watermark covered it, as its writer told it. */
  #toldTo = -1;
  /** zxid of the newest state of a node that was read because a change of it was not heard. */
  learned = -1;

  constructor(options: WatchesOptions) {
    this.#options = options;
    this.#subjects = subjects(options.instance);
  }

  /** Callbacks that wait for events. */
  get armed(): number {
    return this.#armed;
  }

  get interested(): boolean {
    return this.#paths.size > 0;
  }

  /** Paths that somebody watches. */
  watchedPaths(): string[] {
    const watched = [...this.#paths.values()].filter(({ sets }) => KEPT.some((kind) => sets[kind].size > 0));
    return watched.map(({ path }) => path);
  }

  /** Subscribes, so that a read that starts now misses nothing. Each call needs its `release`. */
  prepare(path: string, recursive = false): void {
    const watched = this.#paths.get(path) ?? this.#add(path);
    watched.preparing++;
    if (recursive) watched.preparingRecursive++;
    this.#subscribe(watched);
  }

  release(path: string, recursive = false): void {
    const watched = this.#paths.get(path);
    if (watched === undefined) return;
    watched.preparing--;
    if (recursive) watched.preparingRecursive--;
    this.#tidy(watched);
  }

  /** Sets a watch that is based on `known`, exact as of the watermark. The path is prepared. */
  arm(path: string, kind: Kept, callback: WatchCallback, known: Known): void {
    const watched = this.#paths.get(path);
    if (watched === undefined) throw new Error(`A watch on ${path} was not prepared`);
    const set = watched.sets[kind];
    if (kind === 'persistentRecursive' && set.size === 0) {
      for (const one of [watched.public, watched.system]) one.below = Math.max(one.below, this.#options.watermark());
    }
    if (!set.has(callback)) {
      set.add(callback);
      this.#armed++;
      if (kind === 'persistentRecursive') this.#recursive++;
    }
    if (watched.known === undefined || watched.known.zxid <= known.zxid) watched.known = known;
  }

  /** @throws NoWatcherError when there is none. */
  remove(path: string, kind: WatchKind, callback?: WatchCallback): void {
    const watched = this.#paths.get(path);
    let removed = 0;
    for (const set of setsOf(watched, kind)) {
      for (const one of callback === undefined ? [...set] : [callback]) {
        if (!set.delete(one)) continue;
        removed++;
        this.#armed--;
        if (set === watched?.sets.persistentRecursive) this.#recursive--;
      }
    }
    if (watched !== undefined) this.#tidy(watched);
    if (removed === 0) throw new NoWatcherError(undefined, { path: this.#options.toUser(path) });
  }

  has(path: string, kind: WatchKind, callback?: WatchCallback): boolean {
    return setsOf(this.#paths.get(path), kind).some((set) =>
      callback === undefined ? set.size > 0 : set.has(callback),
    );
  }

  /** What the step names and was not heard: nodes to be read again, and whether a recursive watch missed something. */
  lacking(step: Step): { nodes: Lack[]; recursive: boolean } {
    const nodes: Lack[] = [];
    let recursive = false;
    const { entries } = step;
    if (step.zxid <= this.#toldTo) return { nodes, recursive };
    const ofSystem = this.#options.identities !== undefined;
    const hearing = { heard: this.#heard, ofSystem, toldTo: this.#toldTo };
    for (const watched of this.#concerned(step)) {
      const isWatched = KEPT.some((kind) => watched.sets[kind].size > 0);
      if (isWatched && watched.known !== undefined && lacksNode(watched, step, hearing)) {
        nodes.push({ path: watched.path, zxid: entries?.get(watched.digest) ?? step.zxid });
      }
      if (watched.sets.persistentRecursive.size > 0 && lacksBelow(watched, step, hearing)) recursive = true;
    }
    return { nodes, recursive };
  }

  /** A node that was read because a change of it was not heard; undefined: its reader may not see it (any more). */
  learn({ path, zxid }: Lack, now: Known | undefined): void {
    const watched = this.#paths.get(path);
    if (watched?.known === undefined) return;
    watched.complete = Math.max(watched.complete, now?.zxid ?? -1, zxid);
    if (now === undefined) return;
    let known = watched.known;
    const heard = this.#heard.filter((change) => change.path === path && change.zxid <= now.zxid);
    for (const change of heard.sort(inOrder)) known = knownAfter(known, change);
    const watermark = this.#options.watermark();
    for (const change of missedChanges(path, known, now, zxid)) {
      // What could not be read before is dated by what shows it: events come in order of zxid.
      this.#heard.push(change.zxid > watermark ? change : { ...change, zxid, shows: now });
    }
    // Also where a later change, that was heard, hides what was missed.
    this.learned = Math.max(this.learned, now.zxid);
  }

  /** The last transaction that the watermark, about to become `zxid`, makes known; -1: none. */
  due(zxid: number): number {
    let last = -1;
    for (const change of this.#heard) if (change.zxid <= zxid && change.zxid > last) last = change.zxid;
    return last > this.#toldTo ? last : -1;
  }

  /** Tells everything that the watermark, about to become `zxid`, covers. */
  fire(zxid: number): void {
    if (this.#heard.length === 0) return;
    const due: HeardChange[] = [];
    const later: HeardChange[] = [];
    for (const change of this.#heard) (change.zxid <= zxid ? due : later).push(change);
    this.#heard = later;
    this.#tellAll(due.filter((change) => change.zxid > this.#toldTo));
  }

  /** The session is over: nobody will be told anything. */
  clear(): void {
    for (const watched of this.#paths.values()) {
      for (const one of [watched.public, watched.system]) {
        one.node?.close();
        one.subtree?.close();
      }
    }
    this.#paths.clear();
    this.#digests.clear();
    this.#heard = [];
    this.#armed = 0;
    this.#recursive = 0;
  }

  #add(path: string): WatchedPath {
    const watched = watchedPath(path);
    this.#paths.set(path, watched);
    this.#digests.set(watched.digest, watched);
    return watched;
  }

  #subscribe(watched: WatchedPath): void {
    this.#listen(watched, 'public', this.#subjects);
    if (this.#options.identities !== undefined) this.#listen(watched, 'system', this.#subjects.system);
  }

  #listen(watched: WatchedPath, feed: Feed, names: Pick<Subjects, 'change' | 'changesBelow'>): void {
    const { messaging } = this.#options;
    const hear = (payload: Uint8Array) => this.#hear(payload, feed);
    const one = watched[feed];
    if (one.node === undefined) {
      const subject = names.change(watched.path);
      // A path too long for a subject is watched through the digests alone.
      if (subject !== undefined) one.node = messaging.subscribe(subject, hear);
    }
    if (one.subtree === undefined && watched.preparingRecursive > 0) {
      const subject = names.changesBelow(watched.path);
      if (subject !== undefined) one.subtree = messaging.subscribe(subject, hear);
    }
  }

  #tidy(watched: WatchedPath): void {
    const both = [watched.public, watched.system];
    if (watched.sets.persistentRecursive.size === 0 && watched.preparingRecursive === 0) {
      for (const one of both) {
        one.subtree?.close();
        one.subtree = undefined;
      }
    }
    if (watched.preparing > 0 || KEPT.some((kind) => watched.sets[kind].size > 0)) return;
    for (const one of both) one.node?.close();
    this.#paths.delete(watched.path);
    this.#digests.delete(watched.digest);
  }

  #hear(payload: Uint8Array, feed: Feed): void {
    const message = decodeChange(payload);
    // As good as lost: the digests will tell.
    if (message === undefined) return;
    if ('previous' in message) {
      this.#anticipate(message);
      return;
    }
    const { path, changes } = message;
    const watermark = this.#options.watermark();
    let last = -1;
    for (const { zxid, index, kind, acl } of changes) {
      last = Math.max(last, zxid);
      if (zxid > watermark) this.#heard.push({ path, zxid, index, kind, acl, feed });
    }
    const own = this.#paths.get(path)?.[feed];
    if (own !== undefined) own.own = Math.max(own.own, last);
  }

  #anticipate({ previous, zxid, changes }: CommittedMessage): void {
    const { watermark, mayAnticipate, see } = this.#options;
    if (previous !== Math.max(watermark(), this.#toldTo) || zxid <= previous || !mayAnticipate()) return;
    this.#toldTo = zxid;
    // First: whatever is read from now on, by a callback even, must not be the base of a watch that misses this.
    see(zxid);
    this.#tellAll(changes);
  }

  #tellAll(changes: readonly HeardChange[]): void {
    const inTurn = [...changes].sort(inOrder);
    for (const [at, change] of inTurn.entries()) {
      const previous = inTurn[at - 1];
      if (previous === undefined || inOrder(previous, change) !== 0) this.#tell(change);
    }
  }

  #recursiveRoots(path: string): WatchedPath[] {
    if (this.#recursive === 0) return [];
    const roots: WatchedPath[] = [];
    for (const at of [path, ...ancestors(path)]) {
      const watched = this.#paths.get(at);
      if (watched !== undefined && watched.sets.persistentRecursive.size > 0) roots.push(watched);
    }
    return roots;
  }

  /** Paths that the step may concern: looks at the smaller side. */
  *#concerned({ entries }: Step): Iterable<WatchedPath> {
    if (entries === null || entries.size >= this.#paths.size || this.#recursive > 0) {
      yield* this.#paths.values();
      return;
    }
    for (const digest of entries.keys()) {
      const watched = this.#digests.get(digest);
      if (watched !== undefined) yield watched;
    }
  }

  #tell(change: HeardChange): void {
    const { path, kind, zxid } = change;
    const watched = this.#paths.get(path);
    const callbacks = new Set<WatchCallback>();
    if (watched !== undefined) {
      if (watched.known !== undefined && watched.known.zxid <= zxid) watched.known = knownAfter(watched.known, change);
      this.#collect(watched, change, callbacks);
    }
    if (isToldBelow(kind)) {
      for (const root of this.#recursiveRoots(path))
        for (const callback of root.sets.persistentRecursive) callbacks.add(callback);
    }
    if (watched !== undefined) this.#tidy(watched);
    if (kind === 'acl' || callbacks.size === 0 || !this.#mayHear(change)) return;
    const { state, toUser, onTell } = this.#options;
    onTell(zxid);
    const event: WatchEvent = Object.freeze({ type: EVENT_TYPES[kind], path: toUser(path), zxid, state: state() });
    // One event for each callback, however many watches it has set here.
    for (const callback of callbacks) callSafely(callback, event);
  }

  #mayHear({ acl }: Change): boolean {
    return acl === undefined || permits(acl, Permission.READ, this.#options.identities?.() ?? []);
  }

  #collect({ sets }: WatchedPath, { kind }: Change, into: Set<WatchCallback>): void {
    if (kind === 'acl') return;
    for (const callback of sets.persistent) into.add(callback);
    const oneShot =
      kind === 'deleted' ? [sets.data, sets.children] : kind === 'children' ? [sets.children] : [sets.data];
    for (const set of oneShot) {
      for (const callback of set) into.add(callback);
      this.#armed -= set.size;
      set.clear();
    }
  }
}

let lastPayload: Uint8Array | undefined;
let lastChange: ChangeMessage | CommittedMessage | undefined;

/** Sessions that share a connection hear the same payload one after the other: it is decoded once. */
function decodeChange(payload: Uint8Array): ChangeMessage | CommittedMessage | undefined {
  if (payload === lastPayload) return lastChange;
  lastPayload = payload;
  try {
    lastChange = decodeAs(feedMessageSchema, payload, 'change');
  } catch {
    lastChange = undefined;
  }
  return lastChange;
}

function inOrder(a: Change, b: Change): number {
  if (a.zxid !== b.zxid) return a.zxid - b.zxid;
  if (a.index !== b.index) return a.index - b.index;
  if (a.path !== b.path) return a.path < b.path ? -1 : 1;
  return a.kind === b.kind ? 0 : a.kind < b.kind ? -1 : 1;
}

function setsOf(watched: WatchedPath | undefined, kind: WatchKind): Set<WatchCallback>[] {
  if (watched === undefined) return [];
  return kind === 'any' ? KEPT.map((one) => watched.sets[one]) : [watched.sets[kind]];
}

export function keptKind(mode: AddWatchMode): Kept {
  return mode === 'PERSISTENT' ? 'persistent' : 'persistentRecursive';
}
