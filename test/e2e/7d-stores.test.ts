/** Proof 7: versitygw as the bundled S3 store, and Hybrid user storage: small nodes in Redis, large ones in S3. */
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { recordKeys, storageKeys } from '@faaskeeper/protocol';
import { Redis } from 'ioredis';
import { bindingOf, type Forward, forward } from '../../operator/kubectl/index.ts';
import { type Bound, boundInstance, endpointOf } from './support/bound.ts';
import { releaseWith } from './support/release.ts';
import { figure, kubectl, milliseconds, run } from './support/run.ts';
import { until } from './support/until.ts';
import { WireSession } from './support/wire.ts';

const THRESHOLD_BYTES = 1_024;
const LARGE = 'x'.repeat(THRESHOLD_BYTES + 1);
type Binding = Readonly<Record<string, string>>;

const undo = new AsyncDisposableStack();
let plain: Bound;
let hybrid: Bound;
let neighbour: Bound;
let plainBinding: Binding;
let hybridBinding: Binding;
let neighbourBinding: Binding;
let s3: Forward;
let redis: Forward;

const service = (component: string, port: number) => ({
  namespace: run().namespace,
  to: `service/${run().release}-${component}`,
  port,
});

// A release that others use keeps its servers.
(run().own ? describe : describe.skip)('with versitygw', () => {
  beforeAll(async () => {
    undo.use(await releaseWith({ s3: { bundled: { program: 'versitygw' } } }));
    const userStorage = { type: 'Hybrid', thresholdBytes: THRESHOLD_BYTES };
    plain = undo.use(await boundInstance('plain'));
    hybrid = undo.use(await boundInstance('hybrid', { userStorage }));
    neighbour = undo.use(await boundInstance('neighbour', { userStorage }));
    s3 = undo.use(await forward(kubectl(), service('versitygw', 9000)));
    redis = undo.use(await forward(kubectl(), service('redis', 6379)));
    [plainBinding, hybridBinding, neighbourBinding] = (await Promise.all(
      [plain, hybrid, neighbour].map(({ name }) => bindingOf(kubectl(), name)),
    )) as [Binding, Binding, Binding];
    for (const { agent } of [plain, hybrid, neighbour]) {
      await agent.ask('open', { session: 'a', timeoutMs: 40_000 });
      await agent.call('a', 'create', '/small', 'fits');
      await agent.call('a', 'create', '/large', LARGE);
    }
  }, 900_000);

  afterAll(() => undo.disposeAsync(), 600_000);

  test('every instance is told to have credentials of its own', () => {
    for (const { resource } of [plain, hybrid, neighbour]) {
      const scoped = resource.status?.conditions?.find(({ type }) => type === 'CredentialsScoped');
      expect(scoped).toMatchObject({ status: 'True' });
    }
  });

  test('native client and gateway read what is small and what is large', async () => {
    for (const { agent, resource } of [plain, hybrid]) {
      await agent.ask('open', { session: 'b' });
      expect(await agent.call('b', 'getData', '/small')).toMatchObject({ data: 'fits' });
      expect(await agent.call('b', 'getData', '/large')).toMatchObject({ data: LARGE });
      const { service: to, namespace, port } = endpointOf(resource);
      await using local = await forward(kubectl(), { namespace, to: `service/${to}`, port });
      const wire = await WireSession.open({ host: '127.0.0.1', port: local.port });
      expect(await wire.text('/small')).toBe('fits');
      expect(await wire.text('/large')).toBe(LARGE);
      wire.close();
    }
  });

  test("keys of the store read the instance's own tree, and nothing else", async () => {
    const client = storeAs(plainBinding);
    const get = ({ 's3-bucket': Bucket, 's3-prefix': prefix = '' }: Binding, path: string) =>
      client.send(new GetObjectCommand({ Bucket, Key: storageKeys(prefix).node(path) }));
    await expect(get(plainBinding, '/small')).resolves.toBeDefined();
    const refused = { $metadata: { httpStatusCode: 403 } };
    await expect(get(hybridBinding, '/large')).rejects.toMatchObject(refused);
    const Key = storageKeys(plainBinding['s3-prefix'] ?? '').node('/small');
    const put = new PutObjectCommand({ Bucket: plainBinding['s3-bucket'], Key, Body: 'x' });
    await expect(client.send(put)).rejects.toMatchObject(refused);
    client.destroy();
  });

  test('small nodes are in Redis, and large ones in the store', async () => {
    const { instance = '', 's3-prefix': prefix = '', 's3-bucket': Bucket } = hybridBinding;
    const inRedis = async (path: string) => {
      const key = recordKeys(instance, prefix).record(storageKeys(prefix).node(path)) ?? '';
      return redisAs(hybridBinding, (client) => client.getBuffer(key));
    };
    expect(String(await inRedis('/small'))).toContain('fits');
    expect(String(await inRedis('/large'))).not.toContain(LARGE);
    const store = storeAs(hybridBinding);
    await expect(
      store.send(new GetObjectCommand({ Bucket, Key: storageKeys(prefix).node('/small') })),
    ).rejects.toMatchObject({ name: expect.stringMatching(/NoSuchKey|AccessDenied/) });
    store.destroy();
  });

  test('a Redis user of one instance cannot read, write or list anything of another', async () => {
    const { instance = '' } = neighbourBinding;
    const state = `fk:{${instance}}:u:state`;
    for (const attempt of [
      ['GET', state],
      ['MGET', state],
      ['SET', `fk:{${hybridBinding.instance}}:u:state`, 'x'],
      ['KEYS', '*'],
      ['SCAN', '0'],
      ['CONFIG', 'GET', '*'],
      ['ACL', 'LIST'],
      ['FLUSHALL'],
      ['GET', `fk:{${hybridBinding.instance}}:applied`],
    ] as const) {
      const [command, ...args] = attempt;
      await expect(redisAs(hybridBinding, (client) => client.call(command, ...args))).rejects.toThrow(/NOPERM/);
    }
  });

  test('what a wiped Redis had is there again', async () => {
    const { data } = await kubectl().json<{ data: Binding }>([
      ...['get', 'secret', `${run().release}-credentials`, '--namespace', run().namespace],
    ]);
    const password = Buffer.from(data['redis-password'] ?? '', 'base64').toString();
    const begun = performance.now();
    await redisAs({ 'redis-username': 'default', 'redis-password': password }, (client) => client.flushall());
    await hybrid.agent.ask('open', { session: 'c', timeoutMs: 40_000 });
    await until(async () => void (await hybrid.agent.call('c', 'setData', '/large', 'now small')), {
      timeoutMs: 90_000,
    });
    expect(await hybrid.agent.call('c', 'getData', '/small')).toMatchObject({ data: 'fits' });
    expect(await hybrid.agent.call('c', 'getData', '/large')).toMatchObject({ data: 'now small' });
    figure(7, 'Hybrid: read and written again after FLUSHALL of Redis', milliseconds(performance.now() - begun));
  });
});

function storeAs(binding: Binding): S3Client {
  return new S3Client({
    endpoint: `http://127.0.0.1:${s3.port}`,
    region: binding['s3-region'] ?? '',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: {
      accessKeyId: binding['s3-access-key-id'] ?? '',
      secretAccessKey: binding['s3-secret-access-key'] ?? '',
    },
  });
}

async function redisAs<T>(binding: Binding, work: (client: Redis) => Promise<T>): Promise<T> {
  const { 'redis-username': username = '', 'redis-password': password = '' } = binding;
  const options = { host: '127.0.0.1', port: redis.port, username, password, enableReadyCheck: false };
  const client = new Redis({ ...options, maxRetriesPerRequest: 1 });
  client.on('error', () => undefined); // the command's own error tells
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}
