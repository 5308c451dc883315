/** What the probes say of real servers, and of the same ones set up wrongly. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCredentials } from '../../../operator/credentials/index.ts';
import { probeNats, probeRedis, probeS3, probeServers } from '../../../operator/probes/index.ts';
import {
  findServer,
  freePorts,
  loopback,
  ManagedProcess,
  type S3Kind,
  probeNats as tryNats,
  probeRedis as tryRedis,
} from '../../../operator/servers/index.ts';
import { startAccountsNats } from '../../support/nats-accounts.ts';
import { privateServers, servers } from '../../support/servers.ts';
import { storesConfigOf } from '../../support/stores.ts';
import { lyingStore } from '../contracts/lying-store.ts';

let dir: string;
let nowhere: number;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'faaskeeper-probes-'));
  [nowhere] = (await freePorts(1)) as [number];
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test('servers as npm start runs them are fit for use', async () => {
  const reports = await probeServers(storesConfigOf(servers()));
  expect(reports.map(({ server, ok }) => [server, ok])).toEqual([
    ['nats', true],
    ['redis', true],
    ['s3', true],
  ]);
});

describe('NATS', () => {
  async function plainNats(config: string) {
    const [port] = (await freePorts(1)) as [number];
    const file = join(dir, `nats-${port}.conf`);
    const users = 'authorization { users: [{ user: system, password: secret }] }';
    await writeFile(file, `listen: "${loopback}:${port}"\n${users}\n${config}\n`);
    const process = new ManagedProcess({
      title: 'NATS',
      command: (await findServer('nats', {})).path,
      args: ['--config', file],
      host: loopback,
      port,
      logFile: join(dir, `nats-${port}.log`),
      ready: () => tryNats(loopback, port, 'system', 'secret'),
    });
    await process.start();
    return {
      config: { url: `nats://${loopback}:${port}`, user: 'system', password: 'secret' },
      [Symbol.asyncDispose]: () => process.stop(),
    };
  }

  test('the bundled one, with accounts and every write synced, is all right', async () => {
    await using nats = await startAccountsNats();
    expect(await probeNats({ url: nats.url, credsFile: nats.systemCreds })).toMatchObject({ ok: true, reason: 'OK' });
  });

  test('one that does not sync every write loses what was acknowledged', async () => {
    await using nats = await startAccountsNats((config) => config.replace('sync_interval: always', ''));
    const report = await probeNats({ url: nats.url, credsFile: nats.systemCreds });
    expect(report).toMatchObject({ ok: false, reason: 'SyncNotAlways' });
    expect(report.message).toContain('sync_interval: always');
  });

  test('where that cannot be seen, it is said', async () => {
    await using nats = await plainNats(`max_payload: 8MB\njetstream { store_dir: "${dir}/js" }`);
    expect(await probeNats(nats.config)).toMatchObject({ ok: true, reason: 'SyncNotVisible' });
  });

  test('without JetStream it is of no use', async () => {
    await using nats = await plainNats('max_payload: 8MB');
    const report = await probeNats(nats.config);
    expect(report).toMatchObject({ ok: false, reason: 'JetStreamMissing' });
    expect(report.message).toContain('Enable it');
  });

  test('its default max_payload is too small', async () => {
    await using nats = await plainNats(`jetstream { store_dir: "${dir}/js-small" }`);
    const report = await probeNats(nats.config);
    expect(report).toMatchObject({ ok: false, reason: 'PayloadTooSmall' });
    expect(report.message).toContain('max_payload: 8MB');
  });

  test('credentials that it does not take are named as the cause', async () => {
    await using nats = await startAccountsNats();
    const other = join(dir, 'other.creds');
    const made = await makeCredentials({}, { bundled: ['nats'], redisHost: '' });
    await writeFile(other, made['nats-system.creds'] ?? '');
    expect(await probeNats({ url: nats.url, credsFile: other })).toMatchObject({
      ok: false,
      reason: 'CredentialsRefused',
    });
  });

  test('one that is not there', async () => {
    expect(await probeNats({ url: `nats://${loopback}:${nowhere}` })).toMatchObject({
      ok: false,
      reason: 'Unreachable',
    });
  });
});

describe('Redis', () => {
  async function redisWith(...settings: string[]) {
    const [port] = (await freePorts(1)) as [number];
    const process = new ManagedProcess({
      title: 'Redis',
      command: (await findServer('redis', {})).path,
      args: [
        '--port',
        String(port),
        '--bind',
        loopback,
        '--dir',
        dir,
        '--requirepass',
        'secret',
        '--save',
        '',
        ...settings,
      ],
      host: loopback,
      port,
      logFile: join(dir, `redis-${port}.log`),
      ready: () => tryRedis(loopback, port, 'secret'),
    });
    await process.start();
    return {
      url: `redis://:secret@${loopback}:${port}/0`,
      port,
      [Symbol.asyncDispose]: () => process.stop(),
    };
  }

  test.each([
    ['all right', ['--appendonly', 'yes', '--appendfsync', 'always'], true, 'OK'],
    ['evicting', ['--appendonly', 'yes', '--maxmemory-policy', 'allkeys-lru'], false, 'EvictsKeys'],
    ['synced every second', ['--appendonly', 'yes', '--appendfsync', 'everysec'], true, 'FsyncNotAlways'],
    ['in memory only', ['--appendonly', 'no'], true, 'NotPersistent'],
    ['in memory only, without CONFIG', ['--rename-command', 'CONFIG', ''], true, 'NotPersistent'],
  ])('one that is %s', async (_what, settings, ok, reason) => {
    await using redis = await redisWith('--appenddirname', `aof-${Math.random()}`, ...settings);
    expect(await probeRedis({ url: redis.url })).toMatchObject({ server: 'redis', ok, reason });
  });

  test('a replica is refused', async () => {
    await using primary = await redisWith();
    await using replica = await redisWith('--replicaof', `${loopback} ${primary.port}`);
    expect(await probeRedis({ url: replica.url })).toMatchObject({ ok: false, reason: 'Replica' });
  });

  test('a password that it does not take is named as the cause, and not shown', async () => {
    await using redis = await redisWith();
    const report = await probeRedis({ url: redis.url.replace('secret', 'mistaken') });
    expect(report).toMatchObject({ ok: false, reason: 'CredentialsRefused' });
    expect(report.message).not.toContain('mistaken');
  });

  test('one that is not there', async () => {
    expect(await probeRedis({ url: `redis://${loopback}:${nowhere}` })).toMatchObject({
      ok: false,
      reason: 'Unreachable',
    });
  });
});

describe('S3', () => {
  test.each<[S3Kind, string]>([
    ['minio', 'TombstonesStay'],
    ['versitygw', 'OK'],
    ['seaweedfs', 'OK'],
  ])('%s will do', async (kind, reason) => {
    await using own = await privateServers({ nats: false, redis: false, s3: kind });
    expect(await probeS3(own.s3.s3)).toMatchObject({ server: 's3', ok: true, reason });
  });

  test('what is wrong with address, bucket or keys is said', async () => {
    const { s3 } = servers();
    const missing = await probeS3({ ...s3, bucket: 'nonesuch' });
    expect(missing).toMatchObject({ ok: false, reason: 'BucketMissing' });
    expect(missing.message).toContain('nonesuch');
    expect(await probeS3({ ...s3, secretAccessKey: 'mistaken-secret' })).toMatchObject({
      ok: false,
      reason: 'CredentialsRefused',
    });
    expect(await probeS3({ ...s3, endpoint: `http://${loopback}:${nowhere}` })).toMatchObject({
      ok: false,
      reason: 'Unreachable',
    });
  });

  test('a store that ignores the conditions of a write is refused', async () => {
    await using store = await lyingStore();
    const report = await probeS3({ ...servers().s3, endpoint: store.endpoint });
    expect(report).toMatchObject({ ok: false, reason: 'ConditionalWritesMissing' });
    expect(report.message).toContain('Use a store with conditional writes');
  });
});
