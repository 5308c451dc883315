import { MultiError } from '@faaskeeper/client';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';

test('a client with a chroot sees and tells paths below it only', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const outside = await faaskeeper.connect();
  await outside.create('/app', 'root');
  await outside.create('/app2');
  const client = await faaskeeper.connect({ chroot: '/app' });
  expect(Buffer.from((await client.getData('/')).data as Uint8Array).toString()).toBe('root');
  expect(await client.create('/a', 'x')).toBe('/a');
  expect(await client.create('/n-', null, { mode: 'EPHEMERAL_SEQUENTIAL' })).toBe('/n-0000000001');
  expect(await client.getChildren('/')).toEqual(['a', 'n-0000000001']);
  expect(await client.getEphemerals()).toEqual(['/n-0000000001']);
  await expect(client.getData('/none')).rejects.toMatchObject({ path: '/none' });
  const [created] = await client.multi([{ type: 'create', path: '/m' }]);
  expect(created).toMatchObject({ path: '/m' });
  const failed = await client
    .transaction()
    .create('/m')
    .commit()
    .catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(MultiError);
  expect(failed).toMatchObject({ path: '/m', code: 'NodeExists' });
  const paths: string[] = [];
  await client.addWatch('/', 'PERSISTENT_RECURSIVE', ({ path }) => paths.push(path));
  await outside.setData('/app/a', 'y');
  await outside.setData('/app', 'y');
  await outside.setData('/app2', 'y');
  await client.sync('/');
  expect(paths).toEqual(['/a', '/']);
  expect(await outside.getChildren('/app')).toEqual(['a', 'm', 'n-0000000001']);
});

test('a chroot that does not exist is an error of each call, as in ZooKeeper', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const client = await faaskeeper.connect({ chroot: '/none' });
  await expect(client.create('/a')).rejects.toMatchObject({ code: 'NoNode', path: '/a' });
  await expect(faaskeeper.connect({ chroot: 'none' })).rejects.toMatchObject({ code: 'BadArguments' });
});
