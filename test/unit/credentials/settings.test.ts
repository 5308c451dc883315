import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Environment, issuerSettings, makeCredentials } from '../../../operator/credentials/index.ts';

let dir: string;
let env: Environment;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'issuer-'));
  const made = await makeCredentials({}, { bundled: ['nats'], redisHost: 'r' });
  await writeFile(join(dir, 'seed'), `${made['nats-account-seed']}\n`);
  await writeFile(join(dir, 'client.creds'), made['nats-system.creds'] ?? '');
  env = {
    FAASKEEPER_NATS_URL: 'nats://n:4222',
    FAASKEEPER_REDIS_URL: 'redis://r:6379',
    FAASKEEPER_S3_ENDPOINT: 'http://s:9000',
    FAASKEEPER_S3_BUCKET: 'b',
    FAASKEEPER_S3_ACCESS_KEY_ID: 'system',
    FAASKEEPER_S3_SECRET_ACCESS_KEY: 'secret',
    FAASKEEPER_NATS_ACCOUNT: made['nats-account'],
    FAASKEEPER_NATS_ACCOUNT_SEED: join(dir, 'seed'),
  };
});
afterAll(() => rm(dir, { recursive: true }));

test('by default the store is asked for temporary keys, for a day', () => {
  expect(issuerSettings(env)).toMatchObject({
    nats: { mode: 'account', account: env.FAASKEEPER_NATS_ACCOUNT, signingSeed: expect.stringMatching(/^SA/) },
    s3: { mode: 'sts', store: { endpoint: 'http://s:9000', bucket: 'b' } },
    lifetimeSeconds: 86_400,
  });
});

test('keys that are given are used as they are', () => {
  const given = {
    ...env,
    FAASKEEPER_S3_CREDENTIALS_MODE: 'static',
    FAASKEEPER_S3_STATIC_ACCESS_KEY_ID: 'reader',
    FAASKEEPER_S3_STATIC_SECRET_ACCESS_KEY: 'text',
    FAASKEEPER_CREDENTIALS_LIFETIME: '600',
  };
  expect(issuerSettings(given)).toMatchObject({
    s3: { mode: 'static', keys: { accessKeyId: 'reader', secretAccessKey: 'text' } },
    lifetimeSeconds: 600,
  });
});

test("the system's key is never handed out", () => {
  const given = {
    ...env,
    FAASKEEPER_S3_CREDENTIALS_MODE: 'static',
    FAASKEEPER_S3_STATIC_ACCESS_KEY_ID: 'system',
    FAASKEEPER_S3_STATIC_SECRET_ACCESS_KEY: 'secret',
  };
  expect(() => issuerSettings(given)).toThrow(/key of the system/);
});

test('without an account, a .creds file for all clients will do', () => {
  const { FAASKEEPER_NATS_ACCOUNT: _a, FAASKEEPER_NATS_ACCOUNT_SEED: _s, ...rest } = env;
  expect(issuerSettings({ ...rest, FAASKEEPER_NATS_STATIC_CREDS: join(dir, 'client.creds') }).nats.mode).toBe('static');
  expect(() => issuerSettings(rest)).toThrow(/set FAASKEEPER_NATS_ACCOUNT and FAASKEEPER_NATS_ACCOUNT_SEED/);
});

test.each([
  [{ FAASKEEPER_NATS_ACCOUNT: 'nonsense' }, /FAASKEEPER_NATS_ACCOUNT is no public key/],
  [{ FAASKEEPER_NATS_ACCOUNT_SEED: '/nonesuch' }, /FAASKEEPER_NATS_ACCOUNT_SEED: ENOENT/],
  [{ FAASKEEPER_S3_CREDENTIALS_MODE: 'root' }, /FAASKEEPER_S3_CREDENTIALS_MODE must be sts, versitygw, static or none/],
  [{ FAASKEEPER_S3_CREDENTIALS_MODE: 'static' }, /set FAASKEEPER_S3_STATIC_ACCESS_KEY_ID/],
  [{ FAASKEEPER_CREDENTIALS_LIFETIME: '5' }, /FAASKEEPER_CREDENTIALS_LIFETIME must be at least 60/],
])('%j is refused with its name', (wrong, message) => {
  expect(() => issuerSettings({ ...env, ...wrong })).toThrow(message);
});
