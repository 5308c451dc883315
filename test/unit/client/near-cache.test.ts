import { feedDigest } from '@faaskeeper/protocol';
import { NearCache } from '../../../client/cache/near-cache.ts';
import type { NodeState } from '../../../client/reads/node-state.ts';

const stat = {
  czxid: 1,
  mzxid: 1,
  pzxid: 1,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0,
  dataLength: 0,
  numChildren: 0,
};
const node = (zxid: number, bytes = 10): NodeState => ({
  state: 'node',
  zxid,
  stat,
  data: new Uint8Array(bytes),
  children: [],
});

test('a node is kept from its second read on', () => {
  const cache = new NearCache(100_000);
  cache.offer('/a', node(1));
  expect(cache.get('/a')).toBeUndefined();
  cache.offer('/a', node(1));
  expect(cache.get('/a')).toMatchObject({ zxid: 1 });
});

test('a step drops the nodes that it names, unless they have what it names', () => {
  const cache = new NearCache(100_000);
  for (let n = 0; n < 2; n++)
    for (const [path, zxid] of [
      ['/a', 3],
      ['/b', 7],
      ['/c', 1],
    ] as const)
      cache.offer(path, node(zxid));
  cache.outdate({
    zxid: 8,
    entries: new Map([
      [feedDigest('/a'), 7],
      [feedDigest('/b'), 7],
    ]),
  });
  expect([cache.get('/a')?.zxid, cache.get('/b')?.zxid, cache.get('/c')?.zxid]).toEqual([undefined, 7, 1]);
  cache.outdate({ zxid: 9, entries: null });
  expect(cache.size).toBe(0);
});

test('it keeps to its bytes, oldest out first', () => {
  const cache = new NearCache(10_000);
  for (let i = 0; i < 20; i++) for (let n = 0; n < 2; n++) cache.offer(`/${i}`, node(1, 1_000));
  expect(cache.bytes).toBeLessThanOrEqual(10_000);
  expect(cache.get('/0')).toBeUndefined();
  expect(cache.get('/19')).toBeDefined();
  for (let n = 0; n < 2; n++) cache.offer('/huge', node(1, 20_000));
  expect(cache.get('/huge')).toBeUndefined();
});

describe('data that this process has written', () => {
  const data = new Uint8Array([1, 2, 3]);
  const written = { ...stat, mzxid: 5, version: 1, dataLength: 3 };
  const step = (zxid: number, changed: number) => ({ zxid, entries: new Map([[feedDigest('/a'), changed]]) });
  const cacheOf = () => {
    const cache = new NearCache(100_000);
    for (let n = 0; n < 2; n++) cache.offer('/a', { ...node(3), children: ['c'] } as NodeState);
    return cache;
  };

  test('is what the cache has once a step says that nothing came after it', () => {
    const cache = cacheOf();
    cache.written('/a', written, data);
    expect(cache.get('/a')).toMatchObject({ zxid: 3 });
    cache.outdate(step(6, 5));
    expect(cache.get('/a')).toEqual({ state: 'node', zxid: 5, stat: written, data, children: ['c'] });
  });

  test('waits for its step while earlier ones pass', () => {
    const cache = cacheOf();
    cache.written('/a', { ...written, mzxid: 4 }, new Uint8Array(3));
    cache.written('/a', written, data);
    cache.outdate(step(4, 4));
    expect(cache.get('/a')).toMatchObject({ zxid: 4 });
    cache.outdate(step(5, 5));
    expect(cache.get('/a')).toMatchObject({ zxid: 5, data });
  });

  test.each([
    ['another change came after it', written, step(7, 7)],
    ['the node was created again', { ...written, czxid: 4 }, step(6, 5)],
    ['its ACL changed', { ...written, aversion: 1 }, step(6, 5)],
    ['its children changed', { ...written, cversion: 1, pzxid: 4 }, step(6, 5)],
    ['nobody can say what changed', written, { zxid: 6, entries: null }],
  ])('is not used when %s', (_, told, at) => {
    const cache = cacheOf();
    cache.written('/a', told, data);
    cache.outdate(at);
    expect(cache.get('/a')).toBeUndefined();
  });

  test('is forgotten where the node is not cached', () => {
    const cache = new NearCache(100_000);
    cache.written('/a', written, data);
    for (let n = 0; n < 2; n++) cache.offer('/a', node(3));
    cache.outdate(step(6, 5));
    expect(cache.get('/a')).toBeUndefined();
  });
});
