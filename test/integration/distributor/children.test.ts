import { type NodeMeta, OPEN_ACL_UNSAFE, type PresentNode } from '@faaskeeper/protocol';
import type { NodeChange } from '../../../functions/core/coalesce.ts';
import { NodeWriter } from '../../../functions/core/distributor/node-writer.ts';
import { ObjectCache } from '../../../functions/core/distributor/object-cache.ts';
import { type Step, TreeModel } from '../../support/tree-model.ts';
import { expectVisible, type TestInstance, testInstance, watched } from './instance.ts';

const name = (i: number) => `child${String(i).padStart(8, '0')}`;

function parentChange(zxid: number, names: readonly string[], total: number): NodeChange {
  const meta: NodeMeta = {
    czxid: 1,
    mzxid: 1,
    pzxid: zxid,
    ctime: 0,
    mtime: 0,
    version: 0,
    aversion: 0,
    created: total,
    numChildren: total,
    dataLength: 0,
    kind: 'persistent',
    ephemeralOwner: 0,
    ttl: 0,
    acl: OPEN_ACL_UNSAFE,
  };
  const born = zxid === 1;
  return {
    path: '/big',
    zxid,
    meta,
    data: born ? new Uint8Array(0) : undefined,
    fresh: born,
    wasAbsent: born,
    wasProtected: false,
    children: new Map(names.map((child) => [child, true])),
    changes: [{ zxid, index: 0, kind: born ? 'created' : 'children', readable: true }],
  };
}

/** What a create under a parent with `count` children costs: PUTs and bytes, for sequential and for other names. */
async function costOfCreate(instance: TestInstance, count: number) {
  const puts: number[] = [];
  const gets: string[] = [];
  const base = instance.outside.objects;
  const objects = {
    ...watched(base, () => undefined),
    async get(key: string) {
      gets.push(key);
      return await base.get(key);
    },
    async put(...args: Parameters<typeof base.put>) {
      puts.push(args[1].length);
      return await base.put(...args);
    },
  };
  const writer = new NodeWriter(
    { ...instance.outside, objects },
    {
      keys: instance.keys,
      cache: new ObjectCache(objects),
      inlineDataBytes: Number.POSITIVE_INFINITY,
      onSuperseded: () => undefined,
      onOrphans: () => undefined,
    },
  );
  const names = Array.from({ length: count }, (_, i) => name(2 * i));
  await writer.write(parentChange(1, names, count), async () => undefined);
  const measure = async (zxid: number, child: string) => {
    puts.length = 0;
    gets.length = 0;
    await writer.write(parentChange(zxid, [child], count + zxid - 1), async () => undefined);
    return { puts: puts.length, gets: gets.length, bytes: puts.reduce((sum, size) => sum + size, 0) };
  };
  const last = await measure(2, name(2 * count));
  const middle = await measure(3, name(count + 1));
  const node = (await instance.publicNode('/big')) as PresentNode;
  expect(await instance.children(node)).toEqual([...names, name(2 * count), name(count + 1)].sort());
  return { last, middle };
}

test('a create under 100,000 children costs two PUTs of a few KiB, as under 1,000', async () => {
  await using few = await testInstance();
  await using many = await testInstance();
  const small = await costOfCreate(few, 1_000);
  const large = await costOfCreate(many, 100_000);
  for (const cost of [small.last, small.middle, large.last, large.middle]) {
    expect(cost).toMatchObject({ puts: 2, gets: 0 });
    expect(cost.bytes).toBeLessThan(40 * 1024);
  }
});

test('children of a multi that touches several chunks appear all at once', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const step = (create: string): Step => ({ create });
  model.entry(
    [step('/p')],
    [],
    Array.from({ length: 560 }, (_, i) => step(`/p/${name(i)}`)),
  );
  await model.append(instance.outside.log);
  let before: string[] = [];
  let after: string[] = [];
  const look = async () => {
    const node = await instance.publicNode('/p');
    if (node?.state !== 'node') return;
    const names = await instance.children(node);
    expect(node.meta.numChildren).toBe(names.length);
    expect([before, after]).toContainEqual(names);
  };
  let watching = false;
  const distributor = instance.distributor({
    objects: watched(instance.outside.objects, async (key) => {
      if (watching && (key.includes('/pub/c/') || key === instance.keys.node('/p'))) await look();
    }),
  });
  await distributor.handle({ messages: [model.message(model.entries[0]!)] });
  before = model.childrenOf('/p');
  model.entry([step(`/p/${name(0)}a`), { remove: `/p/${name(300)}` }, step(`/p/${name(559)}a`)]);
  await model.append(instance.outside.log, 1);
  after = model.childrenOf('/p');
  watching = true;
  await distributor.handle({ messages: [model.message(model.entries[1]!)] });
  watching = false;
  await look();
  await expectVisible(instance, model);
});

test('chunks that are not named any more are deleted, also those that a killed distributor left', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  model.entry(
    [{ create: '/p' }],
    Array.from({ length: 560 }, (_, i) => ({ create: `/p/${name(i)}` })),
  );
  model.entry([{ create: '/p/x' }]);
  model.entry([{ remove: '/p/x' }]);
  model.entry([{ create: '/end' }]);
  await model.append(instance.outside.log);
  const distributor = instance.distributor();
  for (const entry of model.entries) await distributor.handle({ messages: [model.message(entry)] });
  const left = instance.keys.chunk('/p', '3-00000000000000aa');
  await instance.outside.objects.put(left, new Uint8Array([1]));
  await distributor.checkpoint();
  const there: string[] = [];
  for await (const page of instance.outside.objects.list(`${instance.keys.public}c/`)) there.push(...page);
  const node = (await instance.publicNode('/p')) as PresentNode;
  const named =
    node.children.in === 'chunks' ? node.children.chunks.map(({ id }) => instance.keys.chunk('/p', id)) : [];
  expect(named.length).toBeGreaterThan(1);
  expect(there.sort()).toEqual(named.sort());
  await expectVisible(instance, model);
});
