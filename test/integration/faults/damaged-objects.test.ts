import type { FaaSKeeper } from '@faaskeeper/client';
import { decodeNodeObject, type PresentNode, storageKeys } from '@faaskeeper/protocol';
import type { UserStorage } from '../../../functions/core/ports.ts';
import type { OpenStores } from '../../../functions/stores/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { eventually, openTestStores } from '../../support/stores.ts';
import { counted, createChildren, DAMAGES, damage, ofNewerRelease, text } from './damage.ts';

let faaskeeper: TestFaaSKeeper;
let stores: OpenStores;
let objects: UserStorage;
let keys: ReturnType<typeof storageKeys>;
let writer: FaaSKeeper;

beforeAll(async () => {
  faaskeeper = await startFaaSKeeper({ ownFunctions: true });
  stores = await openTestStores(faaskeeper.servers);
  objects = stores.bucket().objects;
  keys = storageKeys(faaskeeper.spec.storagePrefix);
  writer = await faaskeeper.connect();
}, 60_000);

afterAll(async () => {
  await faaskeeper?.stop();
  await stores?.close();
}, 30_000);

/** Sees what user storage shows. */
const reader = () => faaskeeper.connect({ cache: false });

async function isWhole(key: string, path: string): Promise<boolean> {
  const stored = await objects.get(key);
  if (stored === undefined) return false;
  try {
    decodeNodeObject(stored.body, path);
    return true;
  } catch {
    return false;
  }
}

async function shownNode(path: string): Promise<PresentNode> {
  const node = decodeNodeObject((await objects.get(keys.node(path)))!.body, path);
  if (node.state !== 'node') throw new Error(`${path} is ${node.state}`);
  return node;
}

test.each(Object.entries(DAMAGES))('a node whose object is %s is read right, and written anew', async (name, how) => {
  const path = await writer.create('/damaged-', name, { mode: 'PERSISTENT_SEQUENTIAL' });
  await writer.create(`${path}/child`);
  const client = await reader();
  await client.sync(path);
  const before = await client.exists(path);
  await damage(objects, keys.node(path), how);
  expect(text((await client.getData(path)).data)).toBe(name);
  expect(await client.getChildren(path)).toEqual(['child']);
  expect(await client.exists(path)).toEqual(before);
  await eventually(() => isWhole(keys.node(path), path));
});

test('what was found and repaired is counted', async () => {
  const instance = faaskeeper.spec.id;
  const { distributor, writer: writerUrl } = faaskeeper.urls;
  expect(await counted(writerUrl, 'faaskeeper_faults_total', { instance, fault: 'object-damaged' })).toBeGreaterThan(0);
  expect(await counted(distributor, 'faaskeeper_repairs_total', { instance, repair: 'object' })).toBeGreaterThan(0);
});

test('a node whose object is lost is found by its parent, and written anew', async () => {
  await writer.create('/lost', 'kept');
  const client = await reader();
  await client.sync('/lost');
  await objects.delete([keys.node('/lost')]);
  expect(text((await client.getData('/lost')).data)).toBe('kept');
  expect(await client.exists('/lost/never')).toBeNull();
  await eventually(() => isWhole(keys.node('/lost'), '/lost'));
});

test('so are the object of a node that not everyone may read, and its stub', async () => {
  await writer.addAuth('digest', 'alice:secret');
  await writer.create('/private', 'for alice', { acl: [{ scheme: 'auth', id: '', permissions: 31 }] });
  await writer.create('/private/below', null);
  const client = await reader();
  await client.addAuth('digest', 'alice:secret');
  await client.sync('/private');
  for (const key of [keys.protectedNode('/private'), keys.node('/private')]) {
    await damage(objects, key, DAMAGES['a flipped bit']);
    expect(text((await client.getData('/private')).data)).toBe('for alice');
    expect(await client.getChildren('/private')).toEqual(['below']);
    await objects.delete([key]);
    // One repair of a node at a time: who reads it while another was asked for a moment ago asks for none.
    await eventually(async () => {
      expect(text((await client.getData('/private')).data)).toBe('for alice');
      return await isWhole(key, '/private');
    }, 200);
  }
  const other = await reader();
  await expect(other.getData('/private')).rejects.toMatchObject({ code: 'NoAuth' });
});

test('so is a chunk of children, damaged or lost', async () => {
  await writer.create('/wide');
  const names = await createChildren(writer, '/wide', 900);
  const client = await reader();
  await client.sync('/wide');
  const chunkKey = async () => {
    const { children } = await shownNode('/wide');
    if (children.in !== 'chunks') throw new Error('The names are not in chunks');
    return keys.chunk('/wide', children.chunks[1]!.id);
  };
  await damage(objects, await chunkKey(), DAMAGES['a cut end']);
  expect((await client.getChildren('/wide')).sort()).toEqual(names);
  await objects.delete([await chunkKey()]);
  expect((await client.getChildren('/wide')).sort()).toEqual(names);
});

test('a change of a node whose object is damaged or lost needs no reader', async () => {
  await writer.create('/changed', 'data stays');
  const client = await reader();
  await client.sync('/changed');
  await damage(objects, keys.node('/changed'), DAMAGES['a flipped bit']);
  await writer.create('/changed/first');
  await client.sync('/changed');
  await objects.delete([keys.node('/changed')]);
  await writer.create('/changed/second');
  await client.sync('/changed');
  expect((await client.getChildren('/changed')).sort()).toEqual(['first', 'second']);
  expect(text((await client.getData('/changed')).data)).toBe('data stays');
});

test('a watch of a node whose object is repaired tells nothing, and the next change', async () => {
  await writer.create('/watched', 'one');
  const client = await reader();
  await client.sync('/watched');
  const heard: string[] = [];
  client.on('watch', ({ type }) => heard.push(type));
  await client.getData('/watched', { watch: true });
  await damage(objects, keys.node('/watched'), DAMAGES.nothing);
  const other = await reader();
  await other.getData('/watched');
  await eventually(() => isWhole(keys.node('/watched'), '/watched'));
  await client.sync('/watched');
  expect(heard).toEqual([]);
  await writer.setData('/watched', 'two');
  await client.sync('/watched');
  expect(text((await client.getData('/watched')).data)).toBe('two');
  expect(heard).toHaveLength(1);
});

test('an object of a newer release is refused, and never written', async () => {
  await writer.create('/newer', 'data');
  const client = await reader();
  await client.sync('/newer');
  await objects.put(keys.node('/newer'), ofNewerRelease());
  await expect(client.getData('/newer')).rejects.toMatchObject({ code: 'NewerFormat', path: '/newer' });
  expect((await objects.get(keys.node('/newer')))?.body).toEqual(Buffer.from(ofNewerRelease()));
});
