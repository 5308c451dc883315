import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NoNodeError } from '@faaskeeper/client';
import { OPEN_ACL_UNSAFE } from '@faaskeeper/protocol';
import { waitFor } from '../../../operator/servers/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { RawSession } from './raw-session.ts';

let faaskeeper: TestFaaSKeeper;
beforeAll(async () => {
  faaskeeper = await startFaaSKeeper({ instance: { containerCheckInterval: 300 } });
}, 60_000);
afterAll(() => faaskeeper?.stop());

test('a request goes through trigger, writer, log and distributor to whoever reads', async () => {
  const [writer, reader] = await Promise.all([faaskeeper.connect(), faaskeeper.connect()]);
  await writer.create('/chain', 'one');
  await writer.setData('/chain', 'two');
  await reader.sync('/chain');
  const { data } = await reader.getData('/chain');
  expect(Buffer.from(data ?? []).toString()).toBe('two');
});

test('requests that are sent together are committed in batches, in order', async () => {
  const client = await faaskeeper.connect();
  await client.create('/order');
  const paths = await Promise.all(
    Array.from({ length: 500 }, () => client.create('/order/n-', null, { mode: 'PERSISTENT_SEQUENTIAL' })),
  );
  expect(paths).toEqual(paths.map((_, i) => `/order/n-${String(i).padStart(10, '0')}`));
});

test('a session whose client is gone expires, its ephemeral nodes with it; one that beats stays', async () => {
  const dying = await RawSession.open(faaskeeper.spec.id, 4_000);
  const watching = await faaskeeper.connect({ sessionTimeout: 4_000 });
  try {
    await dying.request({ type: 'create', path: '/dying', data: null, acl: [...OPEN_ACL_UNSAFE], mode: 'EPHEMERAL' });
    await watching.create('/living', null, { mode: 'EPHEMERAL' });
    await waitFor(async () => expect(await watching.exists('/dying')).toBeNull(), {
      timeoutMs: 20_000,
      intervalMs: 200,
    });
    expect(dying.received.map(({ type }) => type)).toContain('ping');
    expect(await watching.exists('/living')).not.toBeNull();
  } finally {
    await dying.close();
  }
});

test('the answer to a beat carries the newest watermark', async () => {
  const session = await RawSession.open(faaskeeper.spec.id, 10_000);
  try {
    const { zxid } = await session.request({ type: 'setData', path: '/', data: null, version: -1 });
    await waitFor(
      async () => {
        const answer = session.next<{ id: number; watermark: number }>('beat');
        session.beat(3);
        expect(await answer).toMatchObject({ id: 3, watermark: expect.any(Number) });
        expect((await answer).watermark).toBeGreaterThanOrEqual(zxid);
      },
      { timeoutMs: 10_000 },
    );
  } finally {
    await session.close();
  }
});

test('containers and TTL nodes are removed when they are due', async () => {
  const client = await faaskeeper.connect();
  await client.create('/container', null, { mode: 'CONTAINER' });
  await client.create('/container/child');
  await client.create('/ttl', null, { mode: 'PERSISTENT_WITH_TTL', ttl: 500 });
  await client.delete('/container/child');
  await waitFor(
    async () => {
      expect(await client.exists('/container')).toBeNull();
      expect(await client.exists('/ttl')).toBeNull();
    },
    { timeoutMs: 20_000, intervalMs: 100 },
  );
  await expect(client.getData('/container')).rejects.toThrow(NoNodeError);
});

test('a program says how long it took to start', async () => {
  const lines = readFileSync(join(faaskeeper.logDir, 'writer.log'), 'utf8').split('\n');
  const ready = lines
    .map((line) => JSON.parse(line || '{}') as { msg?: string; startMs?: number })
    .find(({ msg }) => msg === 'ready');
  expect(ready).toMatchObject({ startMs: expect.any(Number) });
  console.info(`the writer was ready after ${ready?.startMs} ms`);
});

test('metrics tell lanes, batches, sessions and the watermark', async () => {
  const text = await (await fetch(`${faaskeeper.urls.trigger}/metrics`)).text();
  for (const name of ['lanes', 'batch_messages_bucket', 'batch_duration_seconds_count', 'sessions', 'watermark_zxid']) {
    expect(text).toContain(`faaskeeper_${name}{`);
  }
});
