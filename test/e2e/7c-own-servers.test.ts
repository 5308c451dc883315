/** Proof 7: no bundled server, but three of NATS, Redis and MinIO of a user, with TLS; any one of NATS may be lost. */
import { bindingOf, forward } from '../../operator/kubectl/index.ts';
import { has } from '../support/programs.ts';
import { type Bound, boundInstance, endpointOf, idOf } from './support/bound.ts';
import { namespaceOf } from './support/instances.ts';
import { NATS_NODES, startOwnStores, streams } from './support/own-stores.ts';
import { releaseWith } from './support/release.ts';
import { figure, kubectl, milliseconds, progress, run } from './support/run.ts';
import { until } from './support/until.ts';
import { WireSession } from './support/wire.ts';

type Manifest = Readonly<Record<'apiVersion' | 'kind' | 'spec', unknown>>;

const undo = new AsyncDisposableStack();
let servers: string;
let bound: Bound;

// A release that others use keeps its servers.
(run().own && has('openssl', 'version') ? describe : describe.skip)('with servers of the user', () => {
  beforeAll(async () => {
    servers = await namespaceOf('servers');
    const { values } = undo.use(await startOwnStores(servers));
    undo.use(await releaseWith(values));
    // Clients of Hybrid user storage reach all three servers.
    bound = undo.use(await boundInstance('own', { userStorage: { type: 'Hybrid' } }));
  }, 900_000);

  afterAll(() => undo.disposeAsync(), 600_000);

  test('the binding names them, and the authority that vouches for them', async () => {
    const binding = await bindingOf(kubectl(), bound.name);
    expect(binding['nats-url']).toMatch(/^tls:\/\/nats-0\.nats\./);
    expect(binding['redis-url']).toMatch(/^rediss:\/\/redis\./);
    expect(binding['s3-endpoint']).toMatch(/^https:\/\/minio\./);
    expect(binding['ca.crt']).toMatch(/BEGIN CERTIFICATE/);
    const scoped = bound.resource.status?.conditions?.find(({ type }) => type === 'CredentialsScoped');
    expect(scoped).toMatchObject({ status: 'True' });
  });

  test('clients and gateway read and write', async () => {
    await bound.agent.ask('open', { session: 'a', timeoutMs: 40_000 });
    const large = 'x'.repeat(100_000);
    await bound.agent.call('a', 'create', '/hello', 'world');
    await bound.agent.call('a', 'create', '/large', large);
    await bound.agent.ask('open', { session: 'b' });
    expect(await bound.agent.call('b', 'getData', '/hello')).toMatchObject({ data: 'world' });
    expect(await bound.agent.call('b', 'getData', '/large')).toMatchObject({ data: large });
    const { service, namespace, port } = endpointOf(bound.resource);
    await using local = await forward(kubectl(), { namespace, to: `service/${service}`, port });
    const wire = await WireSession.open({ host: '127.0.0.1', port: local.port });
    expect(await wire.text('/hello')).toBe('world');
    wire.close();
  });

  test('log and registry have three replicas', async () => {
    const all = await streams(servers);
    for (const name of [`LOG_${idOf(bound.resource)}`, 'KV_faaskeeper-instances']) {
      const found = all.find((stream) => stream.name === name);
      expect({ name, replicas: found?.config.num_replicas }).toEqual({ name, replicas: NATS_NODES.length });
    }
  });

  describe('under load', () => {
    beforeAll(async () => {
      await bound.agent.ask('load', { root: '/load', sessions: 3, pauseMs: 20, sessionTimeoutMs: 40_000 });
    });

    const ready = () =>
      until(
        async () => {
          const all = await streams(servers);
          const log = all.find(({ name }) => name === `LOG_${idOf(bound.resource)}`);
          expect(log?.cluster.replicas?.filter(({ current }) => current)).toHaveLength(NATS_NODES.length - 1);
        },
        { timeoutMs: 120_000, everyMs: 1_000 },
      );
    const leaderOf = async (kind: string): Promise<string> => {
      const all = await streams(servers);
      const leader = all.find(({ name }) => name === `${kind}_${idOf(bound.resource)}`)?.cluster.leader;
      if (leader === undefined) throw new Error(`Nobody leads ${kind}: ${all.map(({ name }) => name).join(', ')}`);
      return leader;
    };
    /** Longest time without an acknowledged write, ms, until there were a hundred more. */
    const written = async (what: string): Promise<number> => {
      const { acknowledged } = await bound.agent.ask('progress', {});
      let longestMs = 0;
      await until(
        async () => {
          const report = await bound.agent.ask('progress', {});
          longestMs = Math.max(longestMs, report.longestGapMs);
          expect(report.acknowledged).toBeGreaterThan(acknowledged + 100);
        },
        { timeoutMs: 90_000 },
      );
      progress(`writes go on: ${what}`);
      return longestMs;
    };

    // Requests are kept in the memory of one server: of what is lost with it, clients send again.
    test.each(['LOG', 'REQ'])('the server that leads %s is killed', async (kind) => {
      const leader = await leaderOf(kind);
      await written(`${leader}, which leads ${kind}, is about to be killed`);
      await kubectl().run(['delete', 'pod', leader, '--namespace', servers, '--grace-period=0', '--force']);
      const longestMs = await written(`${leader} was killed`);
      figure(7, `leader of ${kind} killed: longest time without an acknowledged write`, milliseconds(longestMs));
      await ready();
    });

    test('the server that leads REQ stays away', async () => {
      const set = ['statefulset', 'nats', '--namespace', servers];
      const { apiVersion, kind, spec } = await kubectl().json<Manifest>(['get', ...set]);
      // Without it, nobody brings back what is deleted.
      await kubectl().run(['delete', ...set, '--cascade=orphan']);
      const leader = await leaderOf('REQ');
      try {
        await kubectl().run(['delete', 'pod', leader, '--namespace', servers, '--grace-period=0', '--force']);
        const longestMs = await written(`${leader} stays away`);
        figure(7, 'one server of NATS stays away: longest time without an acknowledged write', milliseconds(longestMs));
      } finally {
        const again = { apiVersion, kind, metadata: { name: 'nats', namespace: servers }, spec };
        await kubectl().run(['create', '--filename', '-'], JSON.stringify(again));
      }
      await ready();
    });

    test('everything acknowledged is there once, and every session lives', async () => {
      const report = await bound.agent.ask('stop', {});
      progress(JSON.stringify(report));
      expect(report.failed).toEqual({});
      expect(await bound.agent.ask('verify', {})).toMatchObject({ lost: [], doubled: [], sessions: [] });
      figure(7, 'writes acknowledged while servers of NATS were lost; lost, doubled', `${report.acknowledged}; 0, 0`);
    });
  });
});
