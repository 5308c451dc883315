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
