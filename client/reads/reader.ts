import {
  type ErrorCode,
  feedDigest,
  type Operation,
  type ReadResult,
  type Reply,
  type Stat,
} from '@faaskeeper/protocol';
import { DEFAULTS } from '../defaults.ts';
import type { Clock } from '../ports.ts';
import type { View } from '../view.ts';
import type { Step } from '../watermark.ts';
import type { NodeReader, NodeState, ReadKind } from './node-state.ts';

/** What a read of one node found. Without `stat` the node does not exist, or `error` says why it is not told. */
export interface Answer {
  readonly zxid: number;
  readonly stat?: Stat;
  readonly data?: Uint8Array | null;
  readonly children?: readonly string[];
  readonly error?: ErrorCode;
  /** For the cache. */
  readonly node?: NodeState;
}

/** One node that a call reads. */
export interface Target {
  readonly path: string;
  readonly kind: ReadKind;
  readonly digest: bigint;
  answer: Answer | undefined;
  /** The watermark when its GET was issued. */
  issuedAt: number;
  /** zxid of the last change of the node that a watermark named since. */
  outdated: number;
  /** Not from the cache. */
  readonly fresh: boolean;
}

export function target(path: string, kind: ReadKind): Target {
  return { path, kind, digest: feedDigest(path), answer: undefined, issuedAt: -1, outdated: -1, fresh: false };
}

/**
 * The base of a recursive watch: a GET takes longer than its subscription needs to take effect. A change that is told
 * before that, and covered after the watch is set, would count as missed.
 */
export function freshTarget(path: string): Target {
  return { ...target(path, 'exists'), fresh: true };
}

export interface ReaderOptions {
  readonly clock: Clock;
  readonly nodes: NodeReader;
  readonly cache: Pick<View, 'cached' | 'offer'>;
  readonly watermark: () => number;
  /** May be served: connected, and the session cannot have expired. */
  readonly live: () => boolean;
  /** A read through the writer, for nodes that not everyone may read. */
  readonly ask: (operation: Operation) => Promise<Reply>;
  /** Something was answered, or will never be: calls may be deliverable. */
  readonly onAnswer: () => void;
}

/** Fetches what calls read, and knows which answers the watermark has outdated. */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #targets = new Map<bigint, Set<Target>>();
  readonly #waiting = new Map<Target, AbortController>();
  /** zxid of the newest step that answers were held against, taken or not. */
  #outdatedTo = -1;
  #holds = new Set<() => void>();
  /** Cached answers since one last waited for the event loop. */
  hits = 0;
  /** Highest zxid that the session has seen: in answers, reads and events. */
  seen = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  get interested(): boolean {
    return this.#targets.size > 0;
  }

  get watermark(): number {
    return this.#options.watermark();
  }

  get live(): boolean {
    return this.#options.live();
  }

  /** Why the newest read of a node failed that is being repeated. */
  get failure(): unknown {
    return this.#options.nodes.failure;
  }

  see(zxid: number): void {
    if (zxid > this.seen) this.seen = zxid;
  }

  /** Starts (or repeats) a GET. The answer is there at once when the cache has it. */
  fetch(one: Target, abort: AbortController, onError: (error: unknown) => void): void {
    one.answer = undefined;
    one.outdated = -1;
    if (!this.live) {
      this.#waiting.set(one, abort);
      this.#retries.set(one, onError);
      return;
    }
    one.issuedAt = this.watermark;
    this.#track(one);
    // A step that is about to be taken does not outdate what is fetched after it came: the cache must know of it as well.
    const exactAt = Math.max(one.issuedAt, this.#outdatedTo);
    const cached = one.fresh ? undefined : this.#options.cache.cached(one.path, exactAt);
    if (cached !== undefined && fits(cached, one.kind)) {
      if (++this.hits < DEFAULTS.hitsPerTurn) one.answer = answerOf(cached, one.kind);
      else this.#answerLater(one, cached);
      return;
    }
    this.#get(one, abort.signal).then(
      (answer) => {
        if (abort.signal.aborted) return;
        one.answer = answer;
        this.#options.onAnswer();
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        onError(error);
        // What waits behind the failed read waits no more.
        this.#options.onAnswer();
      },
    );
  }
  readonly #retries = new Map<Target, (error: unknown) => void>();

  /** Connected (again): what waited for that is fetched. */
  resume(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [one, abort] of waiting) {
      const onError = this.#retries.get(one);
      this.#retries.delete(one);
      if (onError !== undefined && !abort.signal.aborted) this.fetch(one, abort, onError);
    }
  }

  /** The call of this target is over. */
  forget(one: Target): void {
    this.#waiting.delete(one);
    this.#retries.delete(one);
    const targets = this.#targets.get(one.digest);
    targets?.delete(one);
    if (targets?.size === 0) this.#targets.delete(one.digest);
  }

  /** A delivered answer, exact as of the watermark. */
  offer(one: Target): void {
    const node = one.answer?.node;
    if (node !== undefined && node.state !== 'protected') this.#options.cache.offer(one.path, node, this.watermark);
  }

  /** Notes which answers, there or under way, the step outdates. */
  outdate({ entries, zxid }: Step): void {
    this.#outdatedTo = Math.max(this.#outdatedTo, zxid);
    if (this.#targets.size === 0) return;
    for (const [digest, targets] of this.#targets) {
      const changed = entries === null ? zxid : entries.get(digest);
      if (changed === undefined) continue;
      for (const one of targets) one.outdated = Math.max(one.outdated, changed);
    }
  }

  /**
   * A read that is repeated stops the watermark until it has its answer: the next step would outdate it again, and a
   * busy node could never be read. The returned function lets it go on; time does as well.
   */
  hold(): () => void {
    const release = () => {
      timer.cancel();
      if (!this.#holds.delete(release) || this.#holds.size > 0) return;
      for (const wake of this.#free.splice(0)) wake();
    };
    const timer = this.#options.clock.timer(DEFAULTS.holdTime, release);
    this.#holds.add(release);
    return release;
  }
  readonly #free: (() => void)[] = [];

  /** Resolves when no read holds the watermark; undefined when none does now. */
  free(): Promise<void> | undefined {
    return this.#holds.size === 0 ? undefined : new Promise((resolve) => this.#free.push(resolve));
  }

  #answerLater(one: Target, cached: NodeState): void {
    this.#options.clock.soon(() => {
      this.hits = 0;
      one.answer = answerOf(cached, one.kind);
      this.#options.onAnswer();
    });
  }

  #track(one: Target): void {
    const targets = this.#targets.get(one.digest);
    if (targets === undefined) this.#targets.set(one.digest, new Set([one]));
    else targets.add(one);
  }

  async #get({ path, kind, issuedAt }: Target, signal: AbortSignal): Promise<Answer> {
    const node = await this.#options.nodes.read(path, kind, signal, issuedAt);
    if (node.state !== 'protected') return answerOf(node, kind);
    // Without a stub its object is damaged or lost, which the system finds by reading it.
    return await this.#ask(path, kind, node.zxid === 0 && kind === 'exists' ? 'getData' : kind);
  }

  async #ask(path: string, kind: ReadKind, what: ReadKind): Promise<Answer> {
    const { zxid, error, result } = await this.#options.ask({ type: 'read', path, what });
    if (error === 'NoNode') return { zxid, ...(kind === 'exists' ? {} : { error }) };
    if (error !== undefined) return { zxid, error };
    // The system may have found something newer than what it judged the request by.
    const { stat, data, children, zxid: found } = result as ReadResult;
    return {
      zxid: Math.max(zxid, found),
      stat: Object.freeze(stat),
      ...(data === undefined ? {} : { data }),
      ...(children === undefined ? {} : { children }),
    };
  }
}

function fits(node: NodeState, kind: ReadKind): boolean {
  if (node.state !== 'node' || kind === 'exists') return true;
  return (kind === 'getData' ? node.data : node.children) !== undefined;
}

function answerOf(node: NodeState, kind: ReadKind): Answer {
  if (node.state !== 'node') return { zxid: node.zxid, node, ...(kind === 'exists' ? {} : { error: 'NoNode' }) };
  const { zxid, stat, data, children } = node;
  return {
    zxid,
    stat,
    node,
    ...(data === undefined ? {} : { data }),
    ...(children === undefined ? {} : { children }),
  };
}
