import { AbortedError, OperationTimeoutError } from '@faaskeeper/client';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';

const text = (data: Uint8Array | null) => (data === null ? null : Buffer.from(data).toString());

describe('calls of one session', () => {
  test('a read sees every write that was made before it, and none after it', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await client.create('/a', '0');
    const reads: Promise<{ data: Uint8Array | null }>[] = [];
    const writes: Promise<unknown>[] = [];
    for (let i = 1; i <= 20; i++) {
      writes.push(client.setData('/a', String(i)));
      reads.push(client.getData('/a'));
    }
    await Promise.all(writes);
    expect((await Promise.all(reads)).map(({ data }) => text(data))).toEqual(
      Array.from({ length: 20 }, (_, i) => String(i + 1)),
    );
  });

  test('are answered in the order in which they were made', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    const answered: string[] = [];
    const note = (name: string) => () => void answered.push(name);
    await Promise.all([
      client.create('/a').then(note('create')),
      client.getData('/a').then(note('getData')),
      client.getChildren('/').then(note('getChildren')),
      client.setData('/a', 'x').then(note('setData')),
      client.delete('/none').catch(note('delete')),
      client.exists('/a').then(note('exists')),
      client.delete('/a').then(note('delete')),
      client.sync('/a').then(note('sync')),
    ]);
    expect(answered).toEqual(['create', 'getData', 'getChildren', 'setData', 'delete', 'exists', 'delete', 'sync']);
  });

  test('hundreds at once are all answered, each with its own result', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await client.create('/many');
    const paths = await Promise.all(Array.from({ length: 1_500 }, (_, i) => client.create(`/many/${i}`, String(i))));
    expect(paths).toEqual(Array.from({ length: 1_500 }, (_, i) => `/many/${i}`));
    expect((await client.getChildren('/many')).length).toBe(1_500);
  });

  test('a session reads what another one wrote before a sync', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const [writer, reader] = await Promise.all([faaskeeper.connect(), faaskeeper.connect()]);
    await writer.create('/s', '0');
    for (let i = 1; i <= 10; i++) {
      await writer.setData('/s', String(i));
      await reader.sync('/s');
      expect(text((await reader.getData('/s')).data)).toBe(String(i));
    }
  });

  test('an aborted call rejects, and the calls after it go on', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await expect(client.create('/x', null, { signal: AbortSignal.abort('no') })).rejects.toThrow(AbortedError);
    expect(await client.exists('/x')).toBeNull();
    const controller = new AbortController();
    const aborted = client.create('/y', null, { signal: controller.signal });
    const next = client.create('/z');
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'Aborted' });
    expect(await next).toBe('/z');
    await expect(client.getData('/z', { timeout: 0 })).rejects.toThrow(OperationTimeoutError);
    expect(await client.exists('/z')).not.toBeNull();
  });

  test('a multi is one moment for who reads its nodes together', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const [writer, reader] = await Promise.all([faaskeeper.connect(), faaskeeper.connect()]);
    await writer.transaction().create('/l', '0').create('/r', '0').commit();
    await reader.sync('/');
    let over = false;
    const writing = (async () => {
      for (let i = 1; i <= 30; i++)
        await writer.transaction().setData('/l', String(i)).setData('/r', String(i)).commit();
      over = true;
    })();
    while (!over) {
      const [l, r] = await reader.multiRead([
        { type: 'getData', path: '/l' },
        { type: 'getData', path: '/r' },
      ]);
      expect(l).toMatchObject({ type: 'getData', stat: { mzxid: (r as { stat: { mzxid: number } }).stat.mzxid } });
    }
    await writing;
  });
});
