import { startFaaSKeeper } from '../../support/faaskeeper.ts';

const text = (data: Uint8Array | null) => Buffer.from(data as Uint8Array).toString();

test('what is cached is never older than what the session has seen', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const [writer, reader] = await Promise.all([faaskeeper.connect(), faaskeeper.connect()]);
  await writer.create('/a', '0');
  await writer.create('/b', '0');
  await reader.sync('/');
  let over = false;
  const writing = (async () => {
    for (let i = 1; i <= 50; i++) {
      await writer.setData('/a', String(i));
      await writer.setData('/b', String(i));
    }
    over = true;
  })();
  let [lastA, lastB, reads] = [0, 0, 0];
  while (!over) {
    // /a is always written before /b: who has seen b must see a.
    const b = Number(text((await reader.getData('/b')).data));
    const a = Number(text((await reader.getData('/a')).data));
    expect(a).toBeGreaterThanOrEqual(b);
    expect(a).toBeGreaterThanOrEqual(lastA);
    expect(b).toBeGreaterThanOrEqual(lastB);
    [lastA, lastB] = [a, b];
    if (++reads % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  await reader.sync('/');
  expect(text((await reader.getData('/a')).data)).toBe('50');
});

test('a session reads its own writes, cached or not', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const client = await faaskeeper.connect();
  await client.create('/a', '0');
  for (let i = 1; i <= 10; i++) {
    for (let n = 0; n < 3; n++) await client.getData('/a');
    await client.setData('/a', String(i));
    expect(text((await client.getData('/a')).data)).toBe(String(i));
  }
  await client.delete('/a');
  expect(await client.exists('/a')).toBeNull();
  await client.create('/a', 'again');
  expect(text((await client.getData('/a')).data)).toBe('again');
});

test('changing what was returned does not change the cache', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const client = await faaskeeper.connect();
  await client.create('/a', 'abc');
  await client.create('/a/child');
  for (let n = 0; n < 4; n++) {
    const { data } = await client.getData('/a');
    expect(text(data)).toBe('abc');
    data?.fill(0);
    const children = await client.getChildren('/a');
    expect(children).toEqual(['child']);
    children.push('other');
  }
});

test('without a cache the same is read', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const client = await faaskeeper.connect({ cache: false });
  await client.create('/a', 'abc');
  for (let n = 0; n < 3; n++) expect(text((await client.getData('/a')).data)).toBe('abc');
});

test('children that fill many chunks are listed whole', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const client = await faaskeeper.connect();
  await client.create('/many');
  const names = Array.from({ length: 5_000 }, (_, i) => `child-with-a-name-${String(i).padStart(6, '0')}`);
  for (let at = 0; at < names.length; at += 500) {
    await client.multi(names.slice(at, at + 500).map((name) => ({ type: 'create', path: `/many/${name}` })));
  }
  for (let n = 0; n < 3; n++) expect(await client.getChildren('/many')).toEqual(names);
});
