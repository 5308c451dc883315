import { LeaderElection } from '../../../operator/controller/leader.ts';
import { KubernetesError, type Lease } from '../../../operator/kubernetes/index.ts';

/** The Lease of an API server; `down` answers nothing. */
class FakeLeases {
  lease: Lease | undefined;
  down = false;
  #version = 0;

  async get(): Promise<Lease | undefined> {
    if (this.down) throw new KubernetesError(0, 'Unreachable', 'down');
    return this.lease;
  }

  async create(_: unknown, manifest: { metadata: object; spec?: unknown }): Promise<Lease> {
    if (this.lease !== undefined) throw new KubernetesError(409, 'AlreadyExists', 'there is one');
    return this.#store({ ...manifest } as unknown as Lease);
  }

  async replace(_: unknown, lease: Lease): Promise<Lease> {
    if (this.down) throw new KubernetesError(0, 'Unreachable', 'down');
    if (lease.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) {
      throw new KubernetesError(409, 'Conflict', 'changed');
    }
    return this.#store(lease);
  }

  #store(lease: Lease): Lease {
    const metadata = { ...lease.metadata, resourceVersion: String(++this.#version) };
    this.lease = { ...lease, metadata };
    return this.lease;
  }
}

describe('leader election', () => {
  let leases: FakeLeases;
  let now: number;
  const candidate = (identity: string) =>
    new LeaderElection({
      client: leases as never,
      namespace: 'system',
      name: 'operator',
      identity,
      onError: () => {},
      now: () => now,
    });
  /** One try: with an aborted signal nobody waits for a second one. */
  const tryOnce = async (election: LeaderElection) => {
    const stop = new AbortController();
    const acquiring = election.acquire(stop.signal);
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await acquiring;
    return election.leads;
  };

  beforeEach(() => {
    leases = new FakeLeases();
    now = 0;
  });

  it('has one leader', async () => {
    const [first, second] = [candidate('first'), candidate('second')];
    expect(await tryOnce(first)).toBe(true);
    expect(await tryOnce(second)).toBe(false);
    expect(leases.lease?.spec?.holderIdentity).toBe('first');
  });

  it('takes the lead when the Lease has not changed for its duration, by its own clock', async () => {
    const [first, second] = [candidate('first'), candidate('second')];
    await tryOnce(first);
    await tryOnce(second);
    now = 14_999;
    expect(await tryOnce(second)).toBe(false);
    now = 15_000;
    expect(await tryOnce(second)).toBe(true);
    expect(leases.lease?.spec?.leaseTransitions).toBe(1);
  });

  it('gives the lead up before anybody else may take it', async () => {
    const first = candidate('first');
    await tryOnce(first);
    leases.down = true;
    now = 9_999;
    expect(first.leads).toBe(true);
    now = 10_000;
    expect(first.leads).toBe(false);
  });

  it('lets the next one lead at once when it is released', async () => {
    const [first, second] = [candidate('first'), candidate('second')];
    await tryOnce(first);
    await tryOnce(second);
    await first.release();
    expect(await tryOnce(second)).toBe(true);
    expect(first.leads).toBe(false);
  });
});
