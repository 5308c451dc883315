import { BadVersionError, MultiError, NoNodeError } from '@faaskeeper/client';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';

describe('multi', () => {
  test('does all operations in one transaction', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await client.create('/a', 'a');
    await client.create('/gone');
    const results = await client.multi([
      { type: 'check', path: '/a', version: 0 },
      { type: 'create', path: '/b', data: 'b' },
      { type: 'create', path: '/b/n-', mode: 'PERSISTENT_SEQUENTIAL' },
      { type: 'setData', path: '/a', data: 'x' },
      { type: 'delete', path: '/gone' },
    ]);
    expect(results.map(({ type }) => type)).toEqual(['check', 'create', 'create', 'setData', 'delete']);
    expect(results[1]).toMatchObject({ path: '/b' });
    expect(results[2]).toMatchObject({ path: '/b/n-0000000000' });
    expect(results[3]).toMatchObject({ stat: { version: 1 } });
    const [a, b] = await Promise.all([client.exists('/a'), client.exists('/b')]);
    expect(a?.mzxid).toBe(b?.czxid);
    expect(await client.exists('/gone')).toBeNull();
  });

  test('does nothing when one operation fails, and says which', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await client.create('/a');
    const failed = client.transaction().create('/b').check('/a', 5).setData('/a', 'x').commit();
    await expect(failed).rejects.toMatchObject({
      code: 'BadVersion',
      path: '/a',
      index: 1,
      results: ['Ok', 'BadVersion', 'RuntimeInconsistency'],
    });
    await expect(failed).rejects.toBeInstanceOf(MultiError);
    await expect(failed).rejects.toBeInstanceOf(BadVersionError);
    expect(await client.exists('/b')).toBeNull();
  });

  test('of nothing is fine', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    expect(await client.multi([])).toEqual([]);
    expect(await client.multiRead([])).toEqual([]);
  });

  test('multiRead tells errors for each read', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await client.create('/a', 'x');
    const results = await client.multiRead([
      { type: 'getData', path: '/a' },
      { type: 'getData', path: '/none' },
      { type: 'getChildren', path: '/' },
      { type: 'exists', path: '/none' },
    ]);
    expect(results[0]).toMatchObject({ type: 'getData', data: new Uint8Array(Buffer.from('x')) });
    expect(results[1]).toMatchObject({ type: 'error', path: '/none' });
    expect((results[1] as { error: Error }).error).toBeInstanceOf(NoNodeError);
    expect(results[2]).toMatchObject({ type: 'getChildren', children: expect.arrayContaining(['a']) });
    expect(results[3]).toMatchObject({ type: 'exists', stat: null });
  });
});
