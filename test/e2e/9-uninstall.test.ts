/** Proof 5, last: the release does not go while instances are left, and then leaves nothing but what it says. */
import { findHelm, Helm } from '../../operator/helm/index.ts';
import { declare, namespaceOf, removeNamespace, untilReady } from './support/instances.ts';
import { figure, kubectl, milliseconds, run } from './support/run.ts';
import { until } from './support/until.ts';

const helm = new Helm(findHelm() ?? 'helm');
const own = run().own ? test : test.skip;
let namespace: string | undefined;

afterAll(async () => {
  if (namespace !== undefined)
    await kubectl().run(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
});

const KINDS = [
  ...['deployments', 'statefulsets', 'services', 'pods', 'jobs', 'services.serving.knative.dev', 'networkpolicies'],
  ...['poddisruptionbudgets', 'serviceaccounts', 'roles', 'rolebindings', 'leases', 'configmaps', 'secrets'],
  'persistentvolumeclaims',
];
/** Kubernetes' own, and what docs/kubernetes.md says is kept: volumes, and what says of retained data whose it is. */
const KEPT =
  /^(serviceaccount\/default|configmap\/(kube-root-ca\.crt|istio-ca-root-cert)|persistentvolumeclaim\/data-.*|secret\/fk-retained-[0-9a-f]{32})$/;

/** Helm lists no release that it calls so; its records do. */
async function revisionOf(status: string): Promise<number> {
  const records = await kubectl().json<{ items: { metadata: { labels: { version: string } } }[] }>([
    ...['get', 'secrets', '--namespace', run().namespace],
    ...['--selector', `owner=helm,name=${run().release},status=${status}`],
  ]);
  return Number(records.items[0]?.metadata.labels.version);
}

async function left(): Promise<readonly string[]> {
  const names = await kubectl().run(['get', KINDS.join(','), '--namespace', run().namespace, '--output', 'name']);
  return names
    .split('\n')
    .map((name) => name.replace(/^([a-z]+)[a-z.0-9]*\//, '$1/'))
    .filter((name) => name !== '' && !KEPT.test(name));
}

own('an uninstall with instances left is refused, with a list of them', async () => {
  namespace = await namespaceOf('last');
  await declare({ namespace, name: 'orders' }, { deletionPolicy: 'Delete' });
  await untilReady({ namespace, name: 'orders' });
  const refused = await helm.uninstall(run().release, { namespace: run().namespace }).then(
    () => 'uninstalled',
    async (error: Error & { output?: string }) => {
      const logs = ['logs', `job/${run().release}-uninstall`, '--namespace', run().namespace];
      return `${error.message}\n${error.output}\n${await kubectl()
        .run(logs)
        .catch(() => '')}`;
    },
  );
  expect(refused).toContain(`${namespace}/orders`);
  expect(refused).toMatch(/not uninstalled: 1 instance is left/);
  // It still runs, and a rollback to the same revision makes Helm know that.
  const status = async () => (await helm.list({ namespace: run().namespace })).map((one) => one.status);
  expect(await status()).toEqual([]);
  const revision = await revisionOf('uninstalling');
  await helm.rollback(run().release, { namespace: run().namespace, revision, flags: ['--wait', '--timeout', '5m'] });
  expect(await status()).toEqual(['deployed']);
  await declare({ namespace, name: 'more' }, { deletionPolicy: 'Delete' });
  await untilReady({ namespace, name: 'more' });
  await removeNamespace(namespace);
});

own('without instances it goes, and leaves the credentials and the volumes', async () => {
  const begun = performance.now();
  await helm.uninstall(run().release, { namespace: run().namespace });
  await until(async () => expect(await left()).toEqual([`secret/${run().release}-credentials`]), {
    timeoutMs: 180_000,
    everyMs: 2_000,
  });
  figure(
    5,
    'nothing left after `helm uninstall` but credentials and volumes, after',
    milliseconds(performance.now() - begun),
  );
  const clusterWide = await kubectl().run([
    ...['get', 'clusterroles,clusterrolebindings', '--selector', `app.kubernetes.io/instance=${run().release}`],
    ...['--output', 'name'],
  ]);
  expect(clusterWide.trim()).toBe('');
  await expect(kubectl().run(['get', 'crd', 'faaskeepers.faaskeeper.io'])).resolves.toContain('faaskeepers');
});
