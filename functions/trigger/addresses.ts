import { LRUCache } from 'lru-cache';

/** Functions whose revision is known. */
const KNOWN_ORIGINS = 10_000;
/** So often an event goes to the route all the same, to learn of a newer revision. */
const ROUTE_AGAIN_MS = 10_000;
/** A revision that answered within so long has a pod: Knative looks back for 6 s at least before it scales down. */
const WARM_MS = 5_000;
/**
 * A revision that has woken up gets its pods into its Service a moment after they are ready; until then a connection to it
 * is refused, or waits for nothing.
 */
const SETTLE_MS = 3_000;
/** After a failure the route is used for so long; each further one doubles it. */
const AVOID_FIRST_MS = 10_000;
const AVOID_MAX_MS = 600_000;

/** The name of a Revision: what Kubernetes takes as the name of a Service, with its suffix. */
const REVISION = /^[a-z]([a-z0-9-]{0,53}[a-z0-9])?$/;

interface Known {
  /** Of the Service that leads to the revision's own pods. */
  readonly origin: string;
  readonly routedAt: number;
  readonly answeredAt: number;
  /** Since when it has been warm. */
  readonly warmSince: number;
  readonly avoidUntil: number;
  readonly avoidMs: number;
}

/**
 * Where the events of a function go. Its route leads through Knative's ingress and activator, which wake it where no pod
 * is there; an answer names the revision that gave it (`functions/host`), and while that is warm, events go to its own
 * Service: a hop to the pod's queue-proxy, which counts them for the autoscaler as before. Knative keeps a Service
 * `<revision>-private` with the pods that are ready beside each Revision; where it cannot be reached, the route is used.
 */
export class Addresses {
  readonly #known = new LRUCache<string, Known>({ max: KNOWN_ORIGINS });
  readonly #now: () => number;

  /** `now`: ms, monotonic. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The origin for the next event of the function at `route`, an origin as well. */
  of(route: string): string {
    const known = this.#known.get(route);
    if (known === undefined) return route;
    const now = this.#now();
    const isSettled = isWarm(known, now) && now - known.warmSince >= SETTLE_MS;
    const isKnown = now - known.routedAt < ROUTE_AGAIN_MS;
    return isSettled && isKnown && now >= known.avoidUntil ? known.origin : route;
  }

  /** `revision`: what the answer says of who gave it. */
  answered(route: string, used: string, revision: string | undefined): void {
    const now = this.#now();
    const known = this.#known.get(route);
    if (used !== route) {
      if (known?.origin === used) this.#known.set(route, { ...known, answeredAt: now, avoidMs: AVOID_FIRST_MS });
      return;
    }
    const origin = revision === undefined ? undefined : revisionOrigin(route, revision);
    if (origin === undefined) {
      this.#known.delete(route);
      return;
    }
    const before = known?.origin === origin ? known : { avoidUntil: now, avoidMs: AVOID_FIRST_MS, warmSince: now };
    const warmSince = known !== undefined && isWarm(known, now) ? before.warmSince : now;
    this.#known.set(route, { ...before, origin, routedAt: now, answeredAt: now, warmSince });
  }

  failed(route: string, used: string): void {
    const known = this.#known.get(route);
    if (known?.origin !== used) return;
    const avoidMs = Math.min(known.avoidMs * 2, AVOID_MAX_MS);
    this.#known.set(route, { ...known, avoidUntil: this.#now() + known.avoidMs, avoidMs });
  }
}

function isWarm({ answeredAt }: Known, now: number): boolean {
  return now - answeredAt < WARM_MS;
}

/** `http://<service>.<namespace>…` with the revision's Service in place of the function's; undefined: there is none. */
function revisionOrigin(route: string, revision: string): string | undefined {
  const { protocol, host } = new URL(route);
  const dot = host.indexOf('.');
  if (protocol !== 'http:' || dot < 0 || !REVISION.test(revision)) return undefined;
  return `http://${revision}-private${host.slice(dot)}`;
}
