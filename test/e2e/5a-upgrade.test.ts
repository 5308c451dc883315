/** Proof 5: a new version comes, and goes again, while clients write. */
import { join, resolve } from 'node:path';
import { findHelm, Helm } from '../../operator/helm/index.ts';
import { type Bound, boundInstance } from './support/bound.ts';
import { untilRunning } from './support/pods.ts';
import { figure, milliseconds, progress, run } from './support/run.ts';

const chart = join(resolve(import.meta.dirname, '../..'), 'charts/faaskeeper');
const flags = ['--wait', '--timeout', '5m'] as const;
const helm = new Helm(findHelm() ?? 'helm');

let bound: Bound;

beforeAll(async () => {
  bound = await boundInstance('upgrade');
  await bound.agent.ask('load', { root: '/load', sessions: 3, pauseMs: 20, sessionTimeoutMs: 40_000 });
});

afterAll(async () => bound?.[Symbol.asyncDispose]());

test.each(['upgrade', 'rollback'] as const)('no acknowledged write is lost by a %s under load', async (how) => {
  const { release, namespace, values } = run();
  const before = await bound.agent.ask('progress', {});
  const begun = performance.now();
  if (how === 'rollback') await helm.rollback(release, { namespace, flags });
  else {
    // Every pod gets another template, and so is replaced.
    const podAnnotations = { 'faaskeeper.io/e2e': String(Date.now()) };
    await helm.upgrade(release, chart, { namespace, values: { ...values, podAnnotations }, flags });
  }
  const took = performance.now() - begun;
  for (const component of ['operator', 'trigger', 'gateway', 'writer', 'distributor'] as const) {
    await untilRunning(component);
  }
  const after = await bound.agent.ask('progress', {});
  expect(after.acknowledged).toBeGreaterThan(before.acknowledged);
  figure(5, `helm ${how} under load: time it took`, milliseconds(took));
  figure(5, `helm ${how} under load: longest time without an acknowledged write`, milliseconds(after.longestGapMs));
});

test('everything acknowledged is there once, and every session lives', async () => {
  const report = await bound.agent.ask('stop', {});
  progress(JSON.stringify(report));
  expect(report.failed).toEqual({});
  expect(await bound.agent.ask('verify', {})).toMatchObject({ lost: [], doubled: [], sessions: [] });
  figure(5, 'writes acknowledged under upgrade and rollback; lost, doubled', `${report.acknowledged}; 0, 0`);
});
