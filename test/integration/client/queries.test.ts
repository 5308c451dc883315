import { startFaaSKeeper } from '../../support/faaskeeper.ts';

test('getEphemerals, getAllChildrenNumber and whoAmI answer for session and subtree', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const client = await faaskeeper.connect();
  await client.create('/a');
  await client.create('/a/b', null, { mode: 'EPHEMERAL' });
  await client.create('/a/c');
  await client.create('/a/c/d', null, { mode: 'EPHEMERAL' });
  expect(await client.getEphemerals()).toEqual(['/a/b', '/a/c/d']);
  expect(await client.getEphemerals('/a/c')).toEqual(['/a/c/d']);
  expect(await client.getAllChildrenNumber('/a')).toBe(3);
  await expect(client.getAllChildrenNumber('/none')).rejects.toMatchObject({ code: 'NoNode' });
  expect(Array.isArray(await client.whoAmI())).toBe(true);
  expect(await client.sync('/none')).toBe('/none');
});

test('registrations of sinks are made, listed and removed', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const client = await faaskeeper.connect();
  const made = await client.register('/a', 'data', 'http://127.0.0.1:9/sink');
  expect(made).toMatchObject({ path: '/a', kind: 'data', sink: 'http://127.0.0.1:9/sink' });
  expect(await client.listRegistrations('/a')).toEqual([made]);
  await client.unregister('/a', made.id);
  expect(await client.listRegistrations('/a')).toEqual([]);
  await expect(client.unregister('/a', made.id)).rejects.toMatchObject({ code: 'NoWatcher' });
});

test('arguments are checked before anything is sent', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const client = await faaskeeper.connect();
  const bad = { code: 'BadArguments' };
  for (const path of ['', 'a', '/a/', '//a', '/a//b', '/a/./b', '/a/..', '/a\u0000']) {
    await expect(client.create(path)).rejects.toMatchObject(bad);
    await expect(client.getData(path)).rejects.toMatchObject(bad);
  }
  await expect(client.create('/a', 7 as never)).rejects.toMatchObject(bad);
  await expect(client.create('/a', null, { ttl: 5 })).rejects.toMatchObject(bad);
  await expect(client.create('/a', null, { mode: 'PERSISTENT_WITH_TTL' })).rejects.toMatchObject(bad);
  await expect(client.delete('/a', 1.5)).rejects.toMatchObject(bad);
  await expect(client.addWatch('/a', 'SOMETIMES' as never)).rejects.toMatchObject(bad);
  await expect(client.multi([{ type: 'read', path: '/a' } as never])).rejects.toMatchObject(bad);
});
