/** Proof 7: what a resource may say of its instance: who is its super user, what it holds back, where its backups go. */
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { Permission } from '@faaskeeper/protocol';
import { forward } from '../../operator/kubectl/index.ts';
import { agentOf } from './support/agent.ts';
import { type Bound, boundInstance, idOf, secretOf } from './support/bound.ts';
import { declare, get, namespaceOf, patch, remove, untilReady } from './support/instances.ts';
import { imageOf } from './support/release.ts';
import { figure, kubectl } from './support/run.ts';
import { putSecret, startServer } from './support/servers.ts';
import { until } from './support/until.ts';

/** `super:secret`. */
const SUPER = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=';
const KEYS = { 'access-key-id': 'shop-backups', 'secret-access-key': 'not the key of the release' } as const;
const BUCKET = 'shop-backups';

let bound: Bound;

beforeAll(async () => {
  const namespace = await namespaceOf('settings');
  await putSecret({ namespace, name: 'super-user' }, { digest: SUPER });
  bound = await boundInstance('settings', {
    superUser: { secretName: 'super-user' },
    enforceQuota: true,
    containerCheckIntervalMs: 500,
  });
  await bound.agent.ask('open', { session: 'a', timeoutMs: 40_000 });
});

afterAll(async () => bound?.[Symbol.asyncDispose]());

test('who authenticates as the super user of the Secret may do everything', async () => {
  const { agent } = bound;
  const acl = [{ scheme: 'digest', id: 'nobody:x', permissions: Permission.ALL }];
  await agent.call('a', 'create', '/locked', 'inside', { acl });
  await agent.ask('open', { session: 'root' });
  await agent.call('root', 'addAuth', 'digest', 'super:wrong');
  await expect(agent.call('root', 'setData', '/locked', 'x')).rejects.toMatchObject({ code: 'NoAuth' });
  await agent.call('root', 'addAuth', 'digest', 'super:secret');
  expect(await agent.call('root', 'setData', '/locked', 'changed')).toMatchObject({ version: 1 });
  await agent.call('root', 'delete', '/locked');
});

test('hard quotas refuse what goes beyond them', async () => {
  const { agent } = bound;
  await agent.call('a', 'create', '/few');
  await agent.call('a', 'create', '/zookeeper/quota/few');
  await agent.call('a', 'create', '/zookeeper/quota/few/zookeeper_limits', 'countHardLimit=2');
  await agent.call('a', 'create', '/zookeeper/quota/few/zookeeper_stats');
  await agent.call('a', 'create', '/few/one');
  await expect(agent.call('a', 'create', '/few/two')).rejects.toMatchObject({ code: 'QuotaExceeded' });
});

test('empty containers go as often as the resource says', async () => {
  const { agent } = bound;
  await agent.call('a', 'create', '/container', null, { mode: 'CONTAINER' });
  await agent.call('a', 'create', '/container/child');
  await agent.call('a', 'delete', '/container/child');
  // With the default of a minute it would still be there.
  await until(async () => expect(await agent.call('a', 'exists', '/container')).toBeNull(), { timeoutMs: 30_000 });
});

test('backups go to a bucket of the user, and an instance is restored from there', async () => {
  const { agent, name } = bound;
  const { namespace } = name;
  const image = await imageOf('minio');
  const env = { MINIO_ROOT_USER: KEYS['access-key-id'], MINIO_ROOT_PASSWORD: KEYS['secret-access-key'] };
  await startServer({ namespace, name: 'backups', image, command: ['minio', 'server', '/data'], port: 9000, env });
  await using local = await forward(kubectl(), { namespace, to: 'pod/backups-0', port: 9000 });
  const s3 = new S3Client({
    endpoint: `http://127.0.0.1:${local.port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: KEYS['access-key-id'], secretAccessKey: KEYS['secret-access-key'] },
  });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await putSecret({ namespace, name: 'backup-keys' }, KEYS);
  for (let at = 0; at < 20; at++) await agent.call('a', 'create', `/node-${at}`, `data ${at}`);
  const { nodes: before } = await agent.ask('tree', { session: 'a', path: '/' });

  const destination = {
    ...{ endpoint: `http://backups.${namespace}.svc:9000`, bucket: BUCKET, prefix: 'orders/' },
    credentialsSecret: 'backup-keys',
  };
  await patch(name, { backup: { schedule: '* * * * *', destination } });
  const made = await until(
    async () => {
      const resource = await get(name);
      expect(resource.status?.backup?.last).toBeDefined();
      return resource;
    },
    { timeoutMs: 180_000, everyMs: 2_000 },
  );
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  expect(Contents.length).toBeGreaterThan(0);
  for (const { Key } of Contents) expect(Key).toMatch(/^orders\//);
  await remove(name);

  const restored = { namespace, name: 'again' };
  const restoreFrom = { instanceId: idOf(made), backup: made.status?.backup?.last?.name, destination };
  await declare(restored, { deletionPolicy: 'Delete', restoreFrom });
  const resource = await untilReady(restored);
  await using other = await agentOf({ ...restored, secretName: secretOf(resource) }, 'restored');
  await other.ask('open', { session: 'a' });
  const { nodes } = await other.ask('tree', { session: 'a', path: '/' });
  expect(nodes).toEqual(before);
  figure(7, "nodes restored from a backup in a user's own bucket, all equal", String(Object.keys(nodes).length));
  s3.destroy();
});
