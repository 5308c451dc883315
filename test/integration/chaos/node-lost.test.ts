import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaaSKeeper } from '@faaskeeper/client';
import { startLocalSystem } from '../../chaos/system/local.ts';
import { componentOf } from '../../chaos/system/system.ts';

/** JetStream needs up to 9 s to elect another leader, and clients as long to notice a silent server. */
const requestTimeout = 60_000;

test('of three nodes of NATS, the one that leads REQ is lost: writes go on without it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'faaskeeper-node-lost-'));
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  const settings = { topology: 'r3', volumes: false, clocks: false, say: () => undefined } as const;
  const system = undo.use(await startLocalSystem({ directory, ...settings }));
  const client = await FaaSKeeper.connect({ ...(await system.native(0)), requestTimeout, sessionTimeout: 30_000 });
  undo.defer(() => client.close());
  await client.create('/a', 'before');
  await componentOf(system, (await system.leader?.('request')) ?? '').down();
  expect((await client.setData('/a', 'after')).version).toBe(1);
  expect(Buffer.from((await client.getData('/a')).data ?? []).toString()).toBe('after');
}, 150_000);
