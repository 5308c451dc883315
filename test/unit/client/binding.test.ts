import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBinding } from '@faaskeeper/client';

const VALUES = {
  type: 'faaskeeper',
  instance: 'abc1',
  'nats-url': 'nats://h:4222',
  'nats-user': 'u',
  'nats-password': 'p',
  's3-endpoint': 'http://h:9000',
  's3-region': 'r',
  's3-bucket': 'b',
  's3-access-key-id': 'k',
  's3-secret-access-key': 's',
  's3-prefix': 'abc1/',
};

let root: string;
const environment = { ...process.env };
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'binding-'));
  for (const name of ['FAASKEEPER_BINDING', 'SERVICE_BINDING_ROOT', 'FAASKEEPER_HOME']) delete process.env[name];
});
afterEach(async () => {
  process.env = { ...environment };
  await rm(root, { recursive: true });
});

async function write(dir: string, values: Record<string, string>): Promise<string> {
  await mkdir(dir, { recursive: true });
  for (const [name, value] of Object.entries(values)) await writeFile(join(dir, name), `${value}\n`);
  return dir;
}

const EXPECTED = {
  instance: 'abc1',
  nats: { url: 'nats://h:4222', user: 'u', password: 'p' },
  s3: {
    endpoint: 'http://h:9000',
    region: 'r',
    bucket: 'b',
    accessKeyId: 'k',
    secretAccessKey: 's',
    prefix: 'abc1/',
    renew: expect.any(Function),
  },
};

test('a service binding is a directory with one file a value', async () => {
  expect(await readBinding(await write(root, VALUES))).toEqual(EXPECTED);
});

test('it is found by the environment', async () => {
  process.env.FAASKEEPER_HOME = root;
  await write(join(root, 'binding'), VALUES);
  expect(await readBinding()).toEqual(EXPECTED);
  process.env.SERVICE_BINDING_ROOT = join(root, 'all');
  await write(join(root, 'all', 'a-database'), { type: 'postgresql' });
  await write(join(root, 'all', 'b-keeper'), { ...VALUES, instance: 'fromroot' });
  expect((await readBinding()).instance).toBe('fromroot');
  process.env.FAASKEEPER_BINDING = await write(join(root, 'own'), { ...VALUES, instance: 'own' });
  expect((await readBinding()).instance).toBe('own');
});

test('an instance with Hybrid user storage has a Redis as well, whose login may be renewed', async () => {
  const redis = { 'redis-url': 'rediss://h:6379/0', 'redis-username': 'fk-abc1', 'redis-password': 'one' };
  const dir = await write(join(root, 'hybrid'), { ...VALUES, ...redis, 'ca.crt': 'pem' });
  const binding = await readBinding(dir);
  const login = { username: 'fk-abc1', password: 'one' };
  expect(binding.redis).toEqual({ url: 'rediss://h:6379/0', ...login, ca: 'pem', renew: expect.any(Function) });
  await write(dir, { 'redis-password': 'two' });
  expect(await binding.redis?.renew?.()).toEqual({ ...login, password: 'two' });
});

test('what is missing or wrong is named', async () => {
  const { 's3-bucket': _, ...rest } = VALUES;
  await expect(readBinding(await write(join(root, '1'), rest))).rejects.toThrow(/has no s3-bucket/);
  await expect(readBinding(await write(join(root, '2'), { ...VALUES, type: 'redis' }))).rejects.toThrow(
    /of type redis/,
  );
  await expect(readBinding(await write(join(root, '3'), { ...VALUES, instance: 'A/B' }))).rejects.toThrow(
    /no valid instance/,
  );
  await expect(readBinding(join(root, 'none'))).rejects.toMatchObject({ code: 'BadArguments' });
});

test('credentials that were renewed are read again, from a mounted Secret as one', async () => {
  const mount = join(root, 'mount');
  const show = async (moment: string, values: Record<string, string>) => {
    await write(join(mount, moment), { ...VALUES, ...values });
    await symlink(moment, join(mount, '..next'));
    await rename(join(mount, '..next'), join(mount, '..data'));
  };
  await show('..1', { 'nats-creds': 'one', 's3-session-token': 'first', 'ca.crt': 'pem' });
  for (const name of ['nats-creds', ...Object.keys(VALUES)]) await symlink(join('..data', name), join(mount, name));
  const { nats, s3 } = await readBinding(mount);
  const creds = nats.creds as () => string;
  expect(creds().trim()).toBe('one');
  expect(s3).toMatchObject({ sessionToken: 'first', ca: 'pem' });
  await show('..2', { 'nats-creds': 'two', 's3-access-key-id': 'k2', 's3-session-token': 'second' });
  expect(creds().trim()).toBe('two');
  expect(await s3.renew?.()).toEqual({ accessKeyId: 'k2', secretAccessKey: 's', sessionToken: 'second' });
});

test('an instance whose store gives clients no keys names its ZooKeeper endpoint', async () => {
  const { 's3-access-key-id': _k, 's3-secret-access-key': _s, ...rest } = VALUES;
  const dir = await write(join(root, 'keyless'), { ...rest, zookeeper: 'shop-orders.faaskeeper-system.svc:2181' });
  await expect(readBinding(dir)).rejects.toThrow(/no keys of its own.*shop-orders.faaskeeper-system.svc:2181/);
});
