/** Proof 7: what the monitors of the chart name is there: pods that answer, and metrics that rules and dashboard ask for. */
import { type Manifest, render } from '../support/chart.ts';
import { type Bound, boundInstance } from './support/bound.ts';
import { FUNCTIONS, metricsTexts } from './support/pods.ts';
import { kubectl, progress, run } from './support/run.ts';

const PROGRAMS = ['trigger', 'operator', 'gateway', ...FUNCTIONS] as const;
/** Appended to the name of a histogram. */
const SUFFIX = /_(bucket|count|sum)$/;

let bound: Bound;
let manifests: readonly Manifest[];

beforeAll(async () => {
  const { release, namespace, values } = run();
  const on = { enabled: true };
  const monitoring = { serviceMonitor: on, prometheusRule: on, dashboard: on };
  manifests = await render({ ...values, monitoring }, release, namespace);
  bound = await boundInstance('metrics');
  await bound.agent.ask('open', { session: 'a', timeoutMs: 40_000 });
});

afterAll(async () => bound?.[Symbol.asyncDispose]());

test('the API server takes monitors and rules where the Prometheus operator is installed', async () => {
  const ours = manifests.filter((one) => one.apiVersion.startsWith('monitoring.coreos.com/'));
  expect(ours.map(({ kind }) => kind).sort()).toEqual(['PodMonitor', 'PrometheusRule', 'ServiceMonitor']);
  const known = await kubectl().run(['api-resources', '--api-group=monitoring.coreos.com', '--output=name']);
  if (!known.includes('servicemonitors')) {
    progress('not tried: the cluster knows no ServiceMonitor');
    return;
  }
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: ours });
  const said = await kubectl().run(['apply', '--dry-run=server', '--validate=strict', '--filename', '-'], list);
  expect(said.trim().split('\n')).toHaveLength(ours.length);
});

test('every program answers with metrics, and those that rules and dashboard ask for are among them', async () => {
  const answered = new Set<string>();
  for (const program of PROGRAMS) {
    const texts = await metricsOf(program);
    for (const text of texts) {
      for (const [, name = ''] of text.matchAll(/^# TYPE (\w+)/gm)) answered.add(name);
    }
  }
  const asking = JSON.stringify(manifests.filter((one) => /^(PrometheusRule|ConfigMap)$/.test(one.kind)));
  const asked = new Set([...asking.matchAll(/\bfaaskeeper_[a-z_]+/g)].map(([name]) => name.replace(SUFFIX, '')));
  expect(asked.size).toBeGreaterThan(5);
  expect([...asked].filter((name) => !answered.has(name))).toEqual([]);
});

/** Of all its pods; a function is woken up, if it can be. */
async function metricsOf(program: (typeof PROGRAMS)[number]): Promise<readonly string[]> {
  await bound.agent.call('a', 'setData', '/', program);
  const texts = await metricsTexts(program);
  // Nothing of this proof wakes the watch and the heartbeat function.
  if (program !== 'watch' && program !== 'heartbeat') expect(texts).not.toEqual([]);
  return texts;
}
