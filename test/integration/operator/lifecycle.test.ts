import { connectRedis } from '@faaskeeper/functions/stores';
import type { ControlPlane } from '../../support/control-plane.ts';
import {
  describeWithControlPlane,
  Instances,
  installRelease,
  makeNamespace,
  RELEASE,
  type RunningOperator,
  setFunctionReady,
  startCluster,
  startOperator,
  until,
} from '../../support/operator.ts';
import { servers } from '../../support/servers.ts';

interface Stored {
  readonly metadata: {
    readonly labels: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly ownerReferences?: { uid: string }[];
  };
  readonly type?: string;
  readonly data?: Record<string, string>;
  readonly spec: Record<string, unknown>;
}

jest.setTimeout(120_000);

describeWithControlPlane('the operator', (assets) => {
  let plane: ControlPlane;
  let operator: RunningOperator;
  let shop: Instances;
  const system = (path: string) => `/api/v1/namespaces/${RELEASE.namespace}/${path}`;
  const read = async (path: string) => {
    const { status, body } = await plane.request<Stored>('GET', path);
    return status === 200 ? body : undefined;
  };

  beforeAll(async () => {
    plane = await startCluster(assets);
    await installRelease(plane);
    await makeNamespace(plane, 'shop');
    shop = new Instances(plane, 'shop');
    operator = await startOperator(plane, servers(), { FAASKEEPER_S3_CREDENTIALS_MODE: 'sts' });
  });

  afterEach(() => {
    if (process.env.FAASKEEPER_SHOW_LOGS) console.log(operator.log());
  });

  afterAll(async () => {
    await operator?.stop();
    await plane?.stop();
  });

  it('makes a resource with no spec ready, and tells how to reach it', async () => {
    await shop.create('orders');
    const { metadata, status } = await shop.untilCondition('orders', 'Ready', 'Ready');
    const id = metadata.uid.replaceAll('-', '');
    expect(status).toMatchObject({
      observedGeneration: 1,
      mode: 'Shared',
      instanceId: id,
      binding: { name: 'orders-faaskeeper' },
      endpoints: { zookeeper: 'shop-orders.faaskeeper-system.svc:2181' },
    });
    const secret = await read('/api/v1/namespaces/shop/secrets/orders-faaskeeper');
    const values = Object.fromEntries(
      Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );
    expect(secret?.type).toBe('servicebinding.io/faaskeeper');
    expect(secret?.metadata.ownerReferences?.[0]?.uid).toBe(metadata.uid);
    expect(values).toMatchObject({
      type: 'faaskeeper',
      instance: id,
      's3-prefix': `${id}/`,
      'nats-url': servers().natsUrl,
    });
    expect(values['nats-creds']).toContain('BEGIN NATS USER JWT');
    const service = await read(system('services/shop-orders'));
    expect(service?.spec).toMatchObject({ ports: [{ port: 2181, targetPort: status?.gatewayPort }] });
    const policy = await read(`/apis/networking.k8s.io/v1/namespaces/${RELEASE.namespace}/networkpolicies/shop-orders`);
    expect(policy?.spec).toMatchObject({
      ingress: [
        {
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } }],
          ports: [{ port: status?.gatewayPort }],
        },
      ],
    });
  });

  it('repairs what others change or delete', async () => {
    const before = await read(system('services/shop-orders'));
    const patch = { spec: { ports: [{ port: 2181, targetPort: 1, protocol: 'TCP', name: 'zookeeper' }] } };
    await plane.request('PATCH', system('services/shop-orders'), patch, 'application/merge-patch+json');
    await until(async () => {
      const now = await read(system('services/shop-orders'));
      return JSON.stringify(now?.spec.ports) === JSON.stringify(before?.spec.ports);
    });
    await plane.request('DELETE', '/api/v1/namespaces/shop/secrets/orders-faaskeeper');
    await until(async () => read('/api/v1/namespaces/shop/secrets/orders-faaskeeper'));
    const data = { 's3-prefix': Buffer.from('other/').toString('base64') };
    await plane.request(
      'PATCH',
      '/api/v1/namespaces/shop/secrets/orders-faaskeeper',
      { data },
      'application/merge-patch+json',
    );
    await until(
      async () =>
        (await read('/api/v1/namespaces/shop/secrets/orders-faaskeeper'))?.data?.['s3-prefix'] !== data['s3-prefix'],
    );
  });

  it('leaves a Secret alone that is not its own, and says so', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'taken-faaskeeper' },
      stringData: { mine: 'yes' },
    };
    await plane.request('POST', '/api/v1/namespaces/shop/secrets', secret);
    await shop.create('taken');
    await shop.untilCondition('taken', 'Ready', 'SecretTaken');
    expect((await read('/api/v1/namespaces/shop/secrets/taken-faaskeeper'))?.data).toEqual({ mine: 'eWVz' });
    await shop.patch('taken', { spec: { binding: { secretName: 'free' } } });
    await shop.untilCondition('taken', 'Ready', 'Ready');
    await shop.delete('taken');
    await shop.untilGone('taken');
  });

  it('gives a TLS server name to one instance, whoever comes first', async () => {
    const named = (...serverNames: string[]) => ({ gateway: { tls: { serverNames } }, deletionPolicy: 'Delete' });
    await shop.create('older', named('older.test'));
    await shop.untilCondition('older', 'Ready', 'Ready');
    await shop.create('newer', named('older.test'));
    await shop.untilCondition('newer', 'Ready', 'ServerNameTaken');
    await shop.patch('newer', { spec: named('newer.test') });
    await shop.untilCondition('newer', 'Ready', 'Ready');
    await shop.patch('older', { spec: named('older.test', 'newer.test') });
    await shop.untilCondition('older', 'Ready', 'ServerNameTaken');
    await shop.delete('newer');
    await shop.untilGone('newer');
    await shop.untilCondition('older', 'Ready', 'Ready');
    await shop.delete('older');
    await shop.untilGone('older');
  });

  it('gives a Hybrid instance a Redis user of its own, makes it again when it is lost, and ends it', async () => {
    const redis = connectRedis({ url: servers().redisUrl, name: 'test' });
    const whether = async () => (await redis.call('ACL', ['GETUSER', username])) !== null;
    await shop.create('hybrid', { userStorage: { type: 'Hybrid' }, deletionPolicy: 'Delete' });
    const { status } = await shop.untilCondition('hybrid', 'Ready', 'Ready');
    const username = `fk-${status?.instanceId}`;
    const secret = await read('/api/v1/namespaces/shop/secrets/hybrid-faaskeeper');
    const value = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
    const system = new URL(servers().redisUrl);
    expect([value('redis-url'), value('redis-username')]).toEqual([`redis://${system.host}/0`, username]);
    expect(Object.values(secret?.data ?? {}).map((one) => Buffer.from(one, 'base64').toString())).not.toContain(
      system.password,
    );
    await redis.call('ACL', ['DELUSER', username]);
    await shop.patch('hybrid', { metadata: { labels: { look: 'again' } } });
    await until(whether);
    const own = connectRedis({
      url: `redis://${username}:${value('redis-password')}@${system.host}/0`,
      name: 'client',
    });
    expect(await own.get(`fk:{${status?.instanceId}}:u:none`)).toBeNull();
    own.disconnect();
    await shop.delete('hybrid');
    await shop.untilGone('hybrid');
    expect(await whether()).toBe(false);
    redis.disconnect();
  });

  it('suspends and resumes', async () => {
    await shop.patch('orders', { spec: { suspend: true } });
    await shop.until('orders', ({ status }) => status?.mode === 'Suspended');
    await shop.untilCondition('orders', 'Ready', 'Suspended');
    await shop.patch('orders', { spec: { suspend: false } });
    await shop.untilCondition('orders', 'Ready', 'Ready');
  });

  it('gives a Dedicated instance functions of its own, and takes them away again', async () => {
    await shop.patch('orders', {
      spec: { functions: { isolation: 'Dedicated', minScale: 1, writer: { maxScale: 3 } } },
    });
    const { status } = await shop.untilCondition('orders', 'FunctionsReady', 'FunctionStarting');
    const services = `/apis/serving.knative.dev/v1/namespaces/${RELEASE.namespace}/services`;
    const own = `fk-${status?.instanceId}-writer`;
    const writer = await until(() => read(`${services}/${own}`));
    expect(writer.spec).toMatchObject({
      template: {
        metadata: {
          annotations: { 'autoscaling.knative.dev/min-scale': '1', 'autoscaling.knative.dev/max-scale': '3' },
        },
        spec: { containers: [{ image: 'image', env: [{ name: 'A', value: 'b' }] }] },
      },
    });
    for (const name of ['writer', 'distributor', 'watch', 'heartbeat']) {
      await until(() => read(`${services}/fk-${status?.instanceId}-${name}`));
      await setFunctionReady(plane, `fk-${status?.instanceId}-${name}`);
    }
    await shop.until('orders', (resource) => resource.status?.mode === 'Dedicated');
    await shop.untilCondition('orders', 'Ready', 'Ready');
    // Knative makes Services with the labels of the function, which are not ours to remove.
    const metadata = { name: `${own}-00001`, labels: writer.metadata.labels };
    const made = { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }] } };
    await plane.request('POST', system('services'), made);
    await shop.patch('orders', { spec: { functions: { isolation: 'Shared', minScale: null, writer: null } } });
    await shop.until('orders', (resource) => resource.status?.mode === 'Shared');
    await until(async () => (await read(`${services}/${own}`)) === undefined);
    expect(await read(system(`services/${own}-00001`))).toBeDefined();
  });

  it('removes everything outside of the namespace when the resource is deleted', async () => {
    await shop.create('short', { deletionPolicy: 'Delete' });
    await shop.untilCondition('short', 'Ready', 'Ready');
    await shop.delete('short');
    await shop.untilGone('short');
    expect(await read(system('services/shop-short'))).toBeUndefined();
    expect(await read('/api/v1/namespaces/shop/secrets/short-faaskeeper')).toBeUndefined();
  });

  it('retains data by default, and restores it into a new instance of the same namespace only', async () => {
    await shop.create('old');
    const old = await shop.untilCondition('old', 'Ready', 'Ready');
    await shop.delete('old');
    await shop.untilGone('old');
    const instanceId = old.status?.instanceId;
    await shop.create('new', { restoreFrom: { instanceId } });
    await makeNamespace(plane, 'spy');
    const spy = new Instances(plane, 'spy');
    await spy.create('thief', { restoreFrom: { instanceId } });
    await spy.untilCondition('thief', 'Restored', 'BackupNotFound');
  });

  it('backs up when the schedule says so', async () => {
    await shop
      .create('kept', { backup: { schedule: 'every day at 3' } })
      .then(({ status }) => expect(status).toBe(422));
    await shop.create('kept', { backup: { schedule: '61 * * * *' } });
    await shop.untilCondition('kept', 'BackupReady', 'ScheduleInvalid');
    await shop.patch('kept', { spec: { backup: { schedule: '0 3 * * *' } } });
    const { status } = await shop.untilCondition('kept', 'BackupReady', 'Scheduled');
    expect(status?.backup?.next).toMatch(/T03:00:00/);
  });

  it('hands the lead over when it is told to stop, and carries on where it was', async () => {
    const second = await startOperator(plane, servers());
    await until(async () => second.log().includes('"msg":"ready"'));
    expect(await operator.stop()).toBe(0);
    await until(async () => second.log().includes('"msg":"leading"'));
    operator = second;
    await shop.create('after');
    await shop.untilCondition('after', 'Ready', 'Ready');
  });
});
