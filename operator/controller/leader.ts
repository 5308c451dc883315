import {
  isConflict,
  isNotFound,
  type KubernetesClient,
  type Lease,
  type OwnerReference,
  TYPES,
} from '../kubernetes/index.ts';
import { pause } from './backoff.ts';
import { CONTROLLER } from './bounds.ts';

export interface LeaderOptions {
  readonly client: Pick<KubernetesClient, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  readonly name: string;
  /** Names this process; no other has it. */
  readonly identity: string;
  readonly onError: (error: unknown) => void;
  /** What the Lease goes with. Default: it stays. */
  readonly owner?: () => Promise<OwnerReference | undefined>;
  /** ms that only grow. Default: the monotonic clock. */
  readonly now?: () => number;
}

/**
 * One of several processes leads: it holds a Lease and renews it. The others do not compare clocks: they take the Lease
 * when they have seen no change of it for its duration. The leader stops before that: it gives up when it could not renew
 * for `renewDeadlineMs`, which is shorter.
 */
export class LeaderElection {
  readonly #options: LeaderOptions;
  readonly #now: () => number;
  #seen: { readonly version: string; readonly at: number } | undefined;
  #held: Lease | undefined;
  #renewedAt = 0;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** May what is done now be done? */
  get leads(): boolean {
    return this.#held !== undefined && this.#now() - this.#renewedAt < CONTROLLER.renewDeadlineMs;
  }

  /** Resolves when this process leads, or the signal aborts. */
  async acquire(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#try()) return;
      await pause(CONTROLLER.leaseRetryMs * (1 + Math.random() / 5), signal);
    }
  }

  /** Renews until the lead is lost (resolves with `lost`) or the signal aborts (`stopped`). */
  async keep(signal: AbortSignal): Promise<'lost' | 'stopped'> {
    for (;;) {
      await pause(CONTROLLER.leaseRetryMs, signal);
      if (signal.aborted) return 'stopped';
      await this.#try();
      if (!this.leads) return 'lost';
    }
  }

  /** Lets the next one lead at once. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    try {
      const spec = { ...held.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime() };
      await this.#options.client.replace(TYPES.lease, { ...held, spec });
    } catch (error) {
      if (!isConflict(error)) this.#options.onError(error);
    }
  }

  /** True: the Lease is ours as of now. */
  async #try(): Promise<boolean> {
    const { client, namespace, name, identity, onError } = this.#options;
    // Counted from before the request: others count from after it.
    const asked = this.#now();
    try {
      const lease = await client.get(TYPES.lease, namespace, name);
      if (lease !== undefined && !this.#free(lease)) {
        this.#held = undefined;
        return false;
      }
      const spec = this.#spec(lease);
      const { apiVersion, kind } = TYPES.lease;
      this.#held =
        lease === undefined
          ? await client.create(TYPES.lease, { apiVersion, kind, metadata: await this.#metadata(), spec })
          : await client.replace(TYPES.lease, { ...lease, spec });
      if (this.#held.spec?.holderIdentity !== identity) this.#held = undefined;
      this.#renewedAt = asked;
      return this.#held !== undefined;
    } catch (error) {
      // Somebody was faster; or an outage, and then the lead lasts until the deadline.
      if (isConflict(error) || isNotFound(error)) this.#held = undefined;
      onError(error);
      return false;
    }
  }

  async #metadata() {
    const { namespace, name, owner } = this.#options;
    const reference = await owner?.();
    return { namespace, name, ...(reference === undefined ? {} : { ownerReferences: [reference] }) };
  }

  #free(lease: Lease): boolean {
    const { holderIdentity = '', leaseDurationSeconds = CONTROLLER.leaseMs / 1_000 } = lease.spec ?? {};
    if (holderIdentity === '' || holderIdentity === this.#options.identity) return true;
    const { resourceVersion } = lease.metadata;
    if (this.#seen?.version !== resourceVersion) this.#seen = { version: resourceVersion, at: this.#now() };
    return this.#now() - this.#seen.at >= leaseDurationSeconds * 1_000;
  }

  #spec(before: Lease | undefined): NonNullable<Lease['spec']> {
    const { identity } = this.#options;
    const same = before?.spec?.holderIdentity === identity;
    const now = microTime();
    return {
      holderIdentity: identity,
      leaseDurationSeconds: CONTROLLER.leaseMs / 1_000,
      renewTime: now,
      acquireTime: same ? (before?.spec?.acquireTime ?? now) : now,
      leaseTransitions: (before?.spec?.leaseTransitions ?? 0) + (same || before === undefined ? 0 : 1),
    };
  }
}

/** The time of day with microseconds, as Leases and Events have it. */
export function microTime(now: Date = new Date()): string {
  return now.toISOString().replace('Z', '000Z');
}
