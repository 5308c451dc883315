/** Proof 5: what somebody changed or removed comes back, and what makes no sense is refused with a reason. */
import { type Bound, boundInstance, endpointOf, idOf, secretOf } from './support/bound.ts';
import { patch, refusal, untilReady } from './support/instances.ts';
import { figure, kubectl, milliseconds, run } from './support/run.ts';
import { until } from './support/until.ts';

let bound: Bound;

beforeAll(async () => {
  bound = await boundInstance('drift');
});

afterAll(async () => bound?.[Symbol.asyncDispose]());

const comesBack = (check: () => Promise<void>) => until(check, { timeoutMs: 60_000, everyMs: 250 });

test.each(['service', 'networkpolicy'] as const)('a deleted %s of the gateway is made again', async (type) => {
  const where = ['--namespace', run().namespace, '--selector', `faaskeeper.io/instance-id=${idOf(bound.resource)}`];
  const list = () => kubectl().json<{ items: { metadata: { uid: string }; spec: object }[] }>(['get', type, ...where]);
  const before = await list();
  expect(before.items).toHaveLength(1);
  const begun = performance.now();
  await kubectl().run(['delete', type, ...where]);
  await comesBack(async () => {
    const after = await list();
    expect(after.items).toHaveLength(1);
    expect(after.items[0]?.metadata.uid).not.toBe(before.items[0]?.metadata.uid);
  });
  figure(5, `a deleted ${type} is there again after`, milliseconds(performance.now() - begun));
});

test('a changed port of the Service is put right', async () => {
  const { service, namespace } = endpointOf(bound.resource);
  const port = bound.resource.status?.gatewayPort;
  const wrong = [{ op: 'replace', path: '/spec/ports/0/targetPort', value: 1 }];
  await kubectl().run([
    ...['patch', 'service', service, '--namespace', namespace, '--type=json', '--patch', JSON.stringify(wrong)],
  ]);
  await comesBack(async () => {
    const found = await kubectl().json<{ spec: { ports: { targetPort: number }[] } }>([
      ...['get', 'service', service, '--namespace', namespace],
    ]);
    expect(found.spec.ports[0]?.targetPort).toBe(port);
  });
});

test('a deleted binding Secret is made again, with credentials that work', async () => {
  const { namespace } = bound.name;
  await kubectl().run(['delete', 'secret', secretOf(bound.resource), '--namespace', namespace]);
  await comesBack(async () => {
    const secret = await kubectl().json<{ data: Record<string, string> }>([
      ...['get', 'secret', secretOf(bound.resource), '--namespace', namespace],
    ]);
    expect(Object.keys(secret.data)).toEqual(expect.arrayContaining(['nats-creds', 's3-access-key-id', 'zookeeper']));
  });
  await untilReady(bound.name);
});

test.each<[string, object, RegExp]>([
  ['another storage', { userStorage: { type: 'Disk' } }, /Unsupported value: "Disk"/],
  ['a threshold without Hybrid', { userStorage: { thresholdBytes: 1 } }, /thresholdBytes is for type Hybrid only/],
  [
    'timeouts upside down',
    { sessions: { minTimeoutMs: 5_000, maxTimeoutMs: 4_000 } },
    /must not be more than maxTimeoutMs/,
  ],
  ['scale of Shared functions', { functions: { minScale: 1 } }, /settings of Dedicated functions/],
  [
    'scale upside down',
    { functions: { isolation: 'Dedicated', minScale: 3, maxScale: 2 } },
    /minScale must not be more than maxScale/,
  ],
  ['no nodes', { limits: { nodes: 0 } }, /limits\.nodes.*greater than or equal to 1/],
  ['a schedule of nonsense', { backup: { schedule: 'daily' } }, /five fields of cron/],
  ['a source of nobody', { gateway: { from: [{}] } }, /either namespaces or cidr/],
  ['no address range', { gateway: { from: [{ cidr: '10.0.0.0' }] } }, /cidr must be an address range/],
  ['another policy', { deletionPolicy: 'Keep' }, /Unsupported value: "Keep"/],
  ['a misspelt field', { sesions: {} }, /unknown field "spec.sesions"/],
])('%s is refused with a reason', async (_, spec, message) => {
  expect(await refusal({ ...bound.name, name: 'invalid' }, spec)).toMatch(message);
});

test('a name that is too long is refused', async () => {
  const name = 'a'.repeat(53);
  expect(await refusal({ ...bound.name, name }, {})).toMatch(/at most 52 characters/);
});

test.each<[object, RegExp]>([
  [{ restoreFrom: { instanceId: 'x' } }, /restoreFrom is for new instances/],
  [{ userStorage: { type: 'Hybrid' } }, /the type of user storage cannot be changed: make a new instance/],
])('what cannot change says so: %j', async (spec, message) => {
  await expect(patch(bound.name, spec)).rejects.toThrow(message);
});
