import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkUninstall } from '../../../operator/uninstall/index.ts';
import {
  chartDir,
  describeChart,
  environment,
  helm,
  type Manifest,
  named,
  ofKind,
  render,
} from '../../support/chart.ts';

describeChart('installing, testing and uninstalling', () => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await render();
  });

  test('the CRD is upgraded with the chart, and outlives it', () => {
    const crd = named(manifests, 'CustomResourceDefinition', 'faaskeepers.faaskeeper.io');
    expect(crd.metadata.annotations['helm.sh/resource-policy']).toBe('keep');
  });

  test('credentials are made before anything needs them, by a Job that may see that one Secret only', () => {
    const job = named(manifests, 'Job', 'faaskeeper-credentials');
    expect(job.metadata.annotations['helm.sh/hook']).toBe('pre-install,pre-upgrade,pre-rollback');
    expect(job.spec.template.spec.containers[0].command).toEqual(['node', '/app/operator.mjs', 'credentials']);
    expect(environment(job.spec.template.spec.containers[0]).FAASKEEPER_BUNDLED.value).toBe('nats,redis,s3');
    const [own, make] = named(manifests, 'Role', 'faaskeeper-credentials').rules;
    expect(own.resourceNames).toEqual(['faaskeeper-credentials']);
    expect(make.verbs).toEqual(['create']);
  });

  test('what a hook needs is there before it, and goes with it', () => {
    for (const hook of ['credentials', 'uninstall']) {
      const own = manifests.filter((one) => one.metadata.annotations?.['helm.sh/hook'] !== undefined);
      const mine = own.filter((one) => one.metadata.labels['app.kubernetes.io/component'] === hook);
      const weights = mine.map((one) => [one.kind === 'Job', one.metadata.annotations['helm.sh/hook-weight']]);
      expect(weights).toContainEqual([true, '0']);
      for (const [isJob, weight] of weights) expect([hook, isJob, weight]).toEqual([hook, isJob, isJob ? '0' : '-10']);
      for (const one of mine) {
        expect(one.metadata.annotations['helm.sh/hook-delete-policy']).toBe('before-hook-creation,hook-succeeded');
      }
    }
  });

  test('helm test runs one pod that may do no more than use an instance beside the release', () => {
    const pods = ofKind(manifests, 'Pod');
    expect(pods.map((one) => one.metadata.annotations['helm.sh/hook'])).toEqual(['test']);
    expect(named(manifests, 'Role', 'faaskeeper-test').rules).toHaveLength(2);
  });

  test('monitoring is asked for, and its dashboard is one', async () => {
    expect(manifests.filter((one) => one.apiVersion.startsWith('monitoring.coreos.com'))).toEqual([]);
    const on = await render({
      monitoring: {
        serviceMonitor: { enabled: true },
        prometheusRule: { enabled: true },
        dashboard: { enabled: true },
      },
    });
    for (const kind of ['ServiceMonitor', 'PodMonitor', 'PrometheusRule']) expect(ofKind(on, kind)).toHaveLength(1);
    const dashboard = JSON.parse(named(on, 'ConfigMap', 'faaskeeper-dashboard').data['faaskeeper.json']);
    expect(dashboard.panels.length).toBeGreaterThan(5);
  });

  test('alerts and dashboard name metrics that the programs have', async () => {
    const rules = await readFile(join(chartDir, 'templates/monitoring/rules.yaml'), 'utf8');
    const dashboard = await readFile(join(chartDir, 'files/dashboard.json'), 'utf8');
    const used = new Set(`${rules} ${dashboard}`.match(/faaskeeper_[a-z_]+/g));
    const sources = ['functions/host/function.ts', 'functions/trigger/metrics.ts', 'client/gateway/admin.ts'];
    const code = (await Promise.all(sources.map((name) => readFile(join(chartDir, '../..', name), 'utf8')))).join();
    const unknown = [...used].filter((name) => !code.includes(name.replace(/_(bucket|count|sum)$/, '')));
    expect(unknown).toEqual([]);
  });

  test('names of releases and namespaces that helm would take for flags are refused', async () => {
    await expect(helm.template('--debug', chartDir)).rejects.toThrow('no name of a release');
    await expect(helm.uninstall('x', { namespace: 'a b' })).rejects.toThrow('no name of a namespace');
  });
});

describe('check-uninstall', () => {
  const said: string[] = [];
  const ask = (items: readonly { metadata: { namespace: string; name: string } }[]) =>
    checkUninstall({ list: async () => ({ items, resourceVersion: '1' }) as never }, (line) => said.push(line));

  test('lets go when there are no instances', async () => {
    expect(await ask([])).toBe(0);
  });

  test('refuses while there are, and lists them', async () => {
    const items = [
      { metadata: { namespace: 'shop', name: 'orders' } },
      { metadata: { namespace: 'app', name: 'locks' } },
    ];
    expect(await ask(items)).toBe(1);
    expect(said.at(-1)).toContain('2 instances are left');
    expect(said.at(-1)).toMatch(/app\/locks\n.*shop\/orders/);
  });
});
