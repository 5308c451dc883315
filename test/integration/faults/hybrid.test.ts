import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaaSKeeper } from '@faaskeeper/client';
import { connectRedis } from '@faaskeeper/functions/stores';
import { type LocalFaaSKeeper, startLocal } from '../../../operator/local/index.ts';

/** Above and below the threshold of data in Redis. */
const LARGE = 'x'.repeat(10_000);
const CHILDREN = 30;

let home: string;
let local: LocalFaaSKeeper;
let redis: ReturnType<typeof connectRedis>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'faaskeeper-hybrid-'));
  // Checkpoints come often, so that what is lost comes from both them and LOG.
  const instance = { userStorage: { type: 'Hybrid' as const }, checkpointMessages: 20 };
  local = await startLocal({ home, logLevel: 'warn', instance });
  redis = connectRedis({ url: local.redisUrl, name: 'test' });
  expect(local.binding['redis-username']).toBe(`fk-${local.instance}`);
}, 120_000);

afterAll(async () => {
  redis?.disconnect();
  await local?.stop();
  await rm(home, { recursive: true, force: true });
}, 60_000);

const text = (data: Uint8Array | null) => new TextDecoder().decode(data ?? undefined);

/** Without a cache: each read is one of user storage. */
function connect(): Promise<FaaSKeeper> {
  return FaaSKeeper.fromBinding(local.bindingDir, { sessionTimeout: 20_000, requestTimeout: 60_000, cache: false });
}

/** All that Redis has now; what it returns puts Redis back into that state. */
async function snapshot(): Promise<() => Promise<void>> {
  const keys = await redis.keys('*');
  const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return async () => {
    const restoring = redis.multi().flushall();
    keys.forEach((key, i) => {
      if (values[i] != null) restoring.restore(key, 0, values[i]);
    });
    await restoring.exec();
  };
}

async function makeTree(client: FaaSKeeper, root: string): Promise<void> {
  await client.create(root, 'first');
  for (let i = 0; i < CHILDREN; i++) await client.create(`${root}/n${i}`, i % 2 === 0 ? LARGE : String(i));
}

async function expectTree(client: FaaSKeeper, root: string, value: string): Promise<void> {
  expect(text((await client.getData(root)).data)).toBe(value);
  expect(await client.getChildren(root)).toHaveLength(CHILDREN);
  for (let i = 0; i < CHILDREN; i++) {
    expect(text((await client.getData(`${root}/n${i}`)).data)).toBe(i % 2 === 0 ? LARGE : String(i));
  }
}

test('an idle instance whose Redis was wiped is read as before, and nothing is missing meanwhile', async () => {
  await using client = await connect();
  await makeTree(client, '/wiped');
  await client.setData('/wiped', 'last');
  await expectTree(client, '/wiped', 'last');
  await redis.flushall();
  await expectTree(client, '/wiped', 'last');
}, 120_000);

test('a Redis that is back at an older state shows nothing old', async () => {
  await using client = await connect();
  await makeTree(client, '/back');
  await client.getData('/back');
  const restore = await snapshot();
  await client.setData('/back', 'after');
  await client.setData('/back/n1', LARGE);
  await client.delete('/back/n0');
  await client.create('/back/m');
  await client.getData('/back/m');
  await restore();
  expect(text((await client.getData('/back')).data)).toBe('after');
  expect(text((await client.getData('/back/n1')).data)).toBe(LARGE);
  expect(await client.exists('/back/n0')).toBeNull();
  expect(await client.exists('/back/m')).not.toBeNull();
  await client.setData('/back', 'on');
  expect(text((await client.getData('/back')).data)).toBe('on');
}, 120_000);

test('who reads while Redis is wiped under load sees values that never go back', async () => {
  await using writer = await connect();
  await using reader = await connect();
  await makeTree(writer, '/load');
  await writer.setData('/load', '0');
  await reader.sync('/load');
  let written = 0;
  let done = false;
  const writing = (async () => {
    for (; !done; written++) await writer.setData('/load', String(written + 1));
  })();
  const seen: number[] = [];
  const reading = (async () => {
    for (let i = 0; !done; i = (i + 1) % CHILDREN) {
      const [{ data }] = await Promise.all([reader.getData('/load'), reader.getData(`/load/n${i}`)]);
      seen.push(Number(text(data)));
    }
  })();
  const progress = async (writes: number) => {
    const until = written + writes;
    while (written < until) await Promise.race([writing, reading, new Promise((resolve) => setTimeout(resolve, 5))]);
  };
  for (let round = 0; round < 3; round++) {
    await progress(40);
    await redis.flushall();
  }
  await progress(40);
  local.processes.distributor.kill('SIGKILL');
  await redis.flushall();
  await progress(20);
  done = true;
  await Promise.all([writing, reading]);
  expect(seen.every((value, i) => i === 0 || value >= seen[i - 1]!)).toBe(true);
  await reader.sync('/load');
  await expectTree(reader, '/load', String(written));
}, 180_000);
