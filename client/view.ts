import { type Stat, subjects } from '@faaskeeper/protocol';
import { NearCache } from './cache/near-cache.ts';
import { DEFAULTS } from './defaults.ts';
import type { Clock, Messaging, Subscription, Timer } from './ports.ts';
import type { NodeState } from './reads/node-state.ts';
import { Published } from './watermark.ts';

/** A session that follows the feed, while it reads or watches. */
export interface Follower {
  /** False: no step concerns it, and it need not be told of any until it follows again. */
  readonly following: boolean;
  add(message: Published): void;
}

/**
 * What the sessions that one process has with an instance share: one subscription to the watermark, and one near-cache,
 * exact as of `value`. A session is never ahead of what it has taken itself: it may use a cached node that is not newer
 * than its own watermark, as long as that is not ahead of `value` (invariant 8). One that stays behind (a read is
 * repeated, a watch is brought up to date) holds up nobody else.
 */
export class View {
  /** The cache is exact as of this zxid; -1: nothing is known yet. */
  value = -1;
  readonly #cache: NearCache | undefined;
  readonly #clock: Clock;
  readonly #followers = new Set<Follower>();
  readonly #feed: Subscription;
  #hint: Timer | undefined;
  #hinted = -1;

  /** `system`: the feed of the system, which tells of all nodes; only its own user may listen there. */
  constructor(
    outside: { messaging: Messaging; clock: Clock },
    instance: string,
    { cacheBytes, system = false }: { cacheBytes: number; system?: boolean },
  ) {
    this.#clock = outside.clock;
    this.#cache = cacheBytes > 0 ? new NearCache(cacheBytes) : undefined;
    const names = subjects(instance);
    this.#feed = outside.messaging.subscribe((system ? names.system : names).watermark, (payload) => {
      const message = Published.decode(payload);
      if (message !== undefined) this.#receive(message);
    });
  }

  get cachedNodes(): number {
    return this.#cache?.size ?? 0;
  }

  get cachedBytes(): number {
    return this.#cache?.bytes ?? 0;
  }

  /** From now on the follower is told every step, until it does not follow any more. */
  join(follower: Follower): void {
    this.#followers.add(follower);
  }

  /** Whether the follower is told every step now. */
  tells(follower: Follower): boolean {
    return this.#followers.has(follower);
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower);
  }

  /** A node for a session whose watermark is `at`. It may be newer than that. */
  cached(path: string, at: number): NodeState | undefined {
    return this.value < at ? undefined : this.#cache?.get(path);
  }

  /** A session whose watermark is `at` has read this node, exact as of that. */
  offer(path: string, node: NodeState, at: number): void {
    if (at === this.value) this.#cache?.offer(path, node);
  }

  /** A setData of one of the sessions was answered: what is cached of the node will be what it says, if nothing else is. */
  written(path: string, stat: Stat, data: Uint8Array | null): void {
    if (stat.mzxid > this.value) this.#cache?.written(path, stat, data);
  }

  /** The system named this watermark: if it does not come by itself in a moment, it is lost. */
  hint(zxid: number): void {
    if (zxid <= this.value) return;
    this.#hinted = Math.max(this.#hinted, zxid);
    if (this.value < 0) {
      this.value = zxid;
      return;
    }
    this.#hint ??= this.#clock.timer(DEFAULTS.watermarkGrace, () => {
      this.#hint = undefined;
      if (this.#hinted > this.value) this.#receive(Published.gap(this.#hinted));
    });
  }

  close(): void {
    this.#hint?.cancel();
    this.#feed.close();
    this.#cache?.clear();
    this.#followers.clear();
  }

  #receive(message: Published): void {
    if (message.zxid > this.value) {
      if (this.#cache !== undefined && this.#cache.size > 0) this.#cache.outdate(message.after(this.value));
      this.value = message.zxid;
    }
    for (const follower of this.#followers) {
      if (follower.following) follower.add(message);
      else this.#followers.delete(follower);
    }
  }
}
