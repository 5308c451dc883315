/** Proof 4: everything is killed under load; what was acknowledged is there, and the sessions live on. */
import { forward } from '../../operator/kubectl/index.ts';
import { type Bound, boundInstance, endpointOf } from './support/bound.ts';
import { type Component, kill, untilReplaced } from './support/pods.ts';
import { figure, kubectl, milliseconds, progress } from './support/run.ts';
import { until } from './support/until.ts';
import { WireSession } from './support/wire.ts';

/** Acknowledged writes that must follow a kill before it counts as survived. */
const MORE = 50;
const RECOVERY_MS = 120_000;
const LOAD = { root: '/load', sessions: 3, pauseMs: 20, sessionTimeoutMs: 40_000 } as const;

const COMPONENTS = ['operator', 'trigger', 'writer', 'distributor', 'gateway', 'nats', 'redis', 'minio'] as const;

let bound: Bound;

beforeAll(async () => {
  bound = await boundInstance('kills');
  await bound.agent.ask('load', LOAD);
});

afterAll(async () => bound?.[Symbol.asyncDispose]());

/** Until there was so much more; the longest time without an acknowledged write meanwhile. */
async function untilMore(since: string): Promise<number> {
  const before = await bound.agent.ask('progress', {});
  let gap = before.longestGapMs;
  await until(
    async () => {
      const { acknowledged, longestGapMs } = await bound.agent.ask('progress', {});
      gap = Math.max(gap, longestGapMs);
      const more = acknowledged - before.acknowledged;
      if (more < MORE) throw new Error(`${more} writes after ${since}`);
    },
    { timeoutMs: RECOVERY_MS, everyMs: 1_000 },
  );
  return gap;
}

/** Kills every pod of a component at once. It counts as survived when others are there, and writing goes on with them. */
async function survives(component: Component): Promise<void> {
  await bound.agent.ask('progress', {});
  const killed = await kill(component);
  expect(killed).toBeGreaterThan(0);
  await untilReplaced(component);
  const gap = await untilMore(`the kill of the ${component}`);
  figure(4, `${component} killed: longest time without an acknowledged write`, milliseconds(gap));
}

test.each(COMPONENTS)('the %s is killed, and writing goes on', survives);

test('the heartbeat function is killed when it has something to do', async () => {
  // A session whose client is gone without a word becomes a suspect.
  const { service, namespace, port } = endpointOf(bound.resource);
  await using local = await forward(kubectl(), { namespace, to: `service/${service}`, port });
  const wire = await WireSession.open({ host: '127.0.0.1', port: local.port });
  await wire.create('/suspect', '', { ephemeral: true });
  wire.close();
  await bound.agent.ask('open', { session: 'observer' });
  const begun = performance.now();
  let kills = 0;
  await until(
    async () => {
      kills += await kill('heartbeat');
      if ((await bound.agent.call('observer', 'exists', '/suspect')) !== null)
        throw new Error('/suspect is still there');
    },
    { timeoutMs: 180_000, everyMs: 5_000 },
  );
  progress(`expired after ${milliseconds(performance.now() - begun)}, with ${kills} kills of the heartbeat`);
});

test('a session of the wire protocol attaches through another gateway, with its ephemeral node', async () => {
  const { service, namespace, port } = endpointOf(bound.resource);
  await using local = await forward(kubectl(), { namespace, to: `service/${service}`, port });
  let wire = await WireSession.open({ host: '127.0.0.1', port: local.port });
  await wire.create('/wire', 'still here', { ephemeral: true });
  await kill('gateway');
  await untilReplaced('gateway');
  wire = await wire.again();
  expect(wire.session.timeoutMs).toBeGreaterThan(0);
  expect(await wire.text('/wire')).toBe('still here');
  wire.close();
});

test('everything at once', async () => {
  await bound.agent.ask('progress', {});
  await Promise.all(COMPONENTS.map(kill));
  await Promise.all(COMPONENTS.map(untilReplaced));
  const gap = await untilMore('the kill of everything');
  figure(4, 'everything killed at once: longest time without an acknowledged write', milliseconds(gap));
});

test('everything acknowledged is there once, every session lives, and so do its ephemeral nodes', async () => {
  const report = await bound.agent.ask('stop', {});
  progress(JSON.stringify(report));
  expect(report.failed).toEqual({});
  expect(report.states).not.toHaveProperty('expired');
  const verdict = await bound.agent.ask('verify', {});
  expect(verdict).toMatchObject({ lost: [], doubled: [], sessions: [] });
  expect(verdict.checked).toBeGreaterThanOrEqual(report.acknowledged);
  figure(4, 'writes acknowledged under the kills; lost, doubled, sessions lost', `${report.acknowledged}; 0, 0, 0`);
});
