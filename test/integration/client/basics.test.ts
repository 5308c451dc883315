import { BadVersionError, NodeExistsError, NoNodeError, NotEmptyError } from '@faaskeeper/client';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';

const text = (data: Uint8Array | null) => (data === null ? null : Buffer.from(data).toString());

describe('a client', () => {
  test('creates, reads, changes and deletes a node', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    expect(await client.create('/a', 'one')).toBe('/a');
    const first = await client.getData('/a');
    expect(text(first.data)).toBe('one');
    expect(first.stat).toMatchObject({
      version: 0,
      cversion: 0,
      aversion: 0,
      dataLength: 3,
      numChildren: 0,
      ephemeralOwner: 0,
    });
    expect(first.stat.czxid).toBe(first.stat.mzxid);
    const changed = await client.setData('/a', 'two!', 0);
    expect(changed).toMatchObject({ version: 1, dataLength: 4, czxid: first.stat.czxid });
    expect(changed.mzxid).toBeGreaterThan(first.stat.mzxid);
    expect(await client.getData('/a')).toEqual({ data: new Uint8Array(Buffer.from('two!')), stat: changed });
    expect(await client.exists('/a')).toEqual(changed);
    await client.delete('/a', 1);
    expect(await client.exists('/a')).toBeNull();
    await expect(client.getData('/a')).rejects.toThrow(NoNodeError);
  });

  test('lists children, sorted, and their parent counts them', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await Promise.all([client.create('/p'), client.create('/p/b'), client.create('/p/a'), client.create('/p/c')]);
    await client.delete('/p/c');
    const { children, stat } = await client.getChildren2('/p');
    expect(children).toEqual(['a', 'b']);
    expect(stat).toMatchObject({ numChildren: 2, cversion: 4 });
    expect(await client.getChildren('/p')).toEqual(['a', 'b']);
    await expect(client.getChildren('/q')).rejects.toMatchObject({ code: 'NoNode', path: '/q', zookeeperCode: -101 });
  });

  test('gets typed errors that name code and path', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await client.create('/a');
    await client.create('/a/b');
    await expect(client.create('/a')).rejects.toThrow(NodeExistsError);
    await expect(client.create('/x/y')).rejects.toMatchObject({ code: 'NoNode', path: '/x/y' });
    await expect(client.setData('/a', 'x', 7)).rejects.toThrow(BadVersionError);
    await expect(client.delete('/a')).rejects.toThrow(NotEmptyError);
    await expect(client.delete('/a/b', 3)).rejects.toMatchObject({ code: 'BadVersion', path: '/a/b' });
    await expect(client.setData('/none', 'x')).rejects.toThrow(NoNodeError);
    await expect(client.delete('/')).rejects.toMatchObject({ code: 'BadArguments' });
  });

  test('tells null data from empty data', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await client.create('/null');
    await client.create('/empty', '');
    expect((await client.getData('/null')).data).toBeNull();
    expect((await client.getData('/empty')).data).toEqual(new Uint8Array(0));
    await client.setData('/empty', null);
    expect((await client.getData('/empty')).data).toBeNull();
  });

  test('keeps data of one MiB', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    const data = new Uint8Array(1_048_576).fill(7);
    await client.create('/big', data);
    const read = await client.getData('/big');
    expect(Buffer.compare(read.data as Uint8Array, data)).toBe(0);
    await expect(client.setData('/big', new Uint8Array(1_048_577))).rejects.toMatchObject({
      code: 'BadArguments',
      path: '/big',
    });
  });

  test('names sequential nodes by the counter of their parent', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    await client.create('/q');
    await client.create('/q/plain');
    expect(await client.create('/q/n-', null, { mode: 'PERSISTENT_SEQUENTIAL' })).toBe('/q/n-0000000001');
    await client.delete('/q/n-0000000001');
    expect(await client.create('/q/', null, { mode: 'EPHEMERAL_SEQUENTIAL' })).toBe('/q/0000000002');
  });

  test('uses paths of any characters that ZooKeeper allows', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    const names = ['a b', 'x.y', '*', '>', '%2E', 'ä€中', '.a', '..b', 'x'.repeat(300)];
    await Promise.all(names.map((name) => client.create(`/${name}`, name)));
    for (const name of names) expect(text((await client.getData(`/${name}`)).data)).toBe(name);
    expect(await client.getChildren('/')).toEqual(expect.arrayContaining(names));
  });
});
