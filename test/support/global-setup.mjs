import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, startRedis, startS3 } from '../../operator/servers/index.ts';

/** Starts the run's servers once (installing what is missing) and tells the tests where they are; see servers.ts. */
export default async function globalSetup() {
  const dir = await mkdtemp(join(tmpdir(), 'faaskeeper-test-'));
  const onProgress = (line) => process.stderr.write(`  ${line}\n`);
  const started = await Promise.allSettled([
    startNats({ dataDir: join(dir, 'nats'), onProgress }),
    startRedis({ dataDir: join(dir, 'redis'), onProgress }),
    startS3({ dataDir: join(dir, 's3'), onProgress }),
  ]);
  const running = started.filter(({ status }) => status === 'fulfilled').map(({ value }) => value);
  globalThis.faaskeeperTestRun = { dir, running };
  const failure = started.find(({ status }) => status === 'rejected');
  if (failure) {
    await Promise.all(running.map((server) => server.stop()));
    throw failure.reason;
  }
  const [nats, redis, s3] = running;
  const addresses = {
    natsUrl: nats.address,
    natsUser: nats.system.user,
    natsPassword: nats.system.password,
    redisUrl: redis.url,
    s3: s3.s3,
  };
  const file = join(dir, 'servers.json');
  await writeFile(file, JSON.stringify(addresses), { mode: 0o600 });
  process.env.FAASKEEPER_TEST_SERVERS = file;
}
