import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaaSKeeper } from '@faaskeeper/client';
import { connectRedis } from '@faaskeeper/functions/stores';
import { type LocalFaaSKeeper, startLocal } from '../../../operator/local/index.ts';

let home: string;
let local: LocalFaaSKeeper;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'faaskeeper-wipe-'));
  // Checkpoints come often, so that rebuilding uses both them and LOG.
  local = await startLocal({ home, logLevel: 'warn', instance: { checkpointMessages: 20 } });
}, 120_000);

afterAll(async () => {
  await local?.stop();
  await rm(home, { recursive: true, force: true });
}, 60_000);

const text = (data: Uint8Array | null) => new TextDecoder().decode(data ?? undefined);

function connect(): Promise<FaaSKeeper> {
  return FaaSKeeper.fromBinding(local.bindingDir, { sessionTimeout: 20_000, requestTimeout: 60_000 });
}

/** Redis as the functions see it. */
async function flushAll(): Promise<void> {
  const redis = connectRedis({ url: local.redisUrl, name: 'test' });
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}

test('a wiped Redis, while the functions run and while they do not, is rebuilt at the next request', async () => {
  await using client = await connect();
  await client.create('/kept', 'first');
  const live = await client.create('/live', null, { mode: 'EPHEMERAL' });
  const sequence = await client.create('/n-', null, { mode: 'PERSISTENT_SEQUENTIAL' });
  const { id } = await client.register('/kept', 'data', 'http://127.0.0.1:9/none');
  for (let round = 0; round < 30; round++) await client.setData('/kept', `before ${round}`);

  await flushAll();
  expect((await client.setData('/kept', 'after')).version).toBe(31);
  expect(await client.getEphemerals()).toEqual([live]);
  expect((await client.listRegistrations('/kept')).map((registration) => registration.id)).toEqual([id]);

  await flushAll();
  for (const name of ['writer', 'distributor', 'trigger'] as const) local.processes[name].kill('SIGKILL');
  const again = await client.create('/n-', null, { mode: 'PERSISTENT_SEQUENTIAL' });
  expect(again > sequence).toBe(true);
  expect(text((await client.getData('/kept')).data)).toBe('after');
  await expect(client.create('/kept')).rejects.toMatchObject({ code: 'NodeExists' });
  await using other = await connect();
  expect(other.sessionId).toBeGreaterThan(client.sessionId);
  expect(await other.exists(live)).not.toBeNull();
}, 120_000);
