import { encodeNodeObject, type NodeMeta, type NodeObject, storageKeys } from '@faaskeeper/protocol';
import type { Outside } from '../../../functions/core/ports.ts';
import { answerDeferred } from '../../../functions/core/writer/deferred.ts';

const keys = storageKeys('i/');
const path = '/a';
const meta: NodeMeta = {
  czxid: 2,
  mzxid: 2,
  pzxid: 2,
  ctime: 0,
  mtime: 0,
  version: 0,
  aversion: 0,
  created: 0,
  numChildren: 0,
  dataLength: 0,
  kind: 'persistent',
  ephemeralOwner: 0,
  ttl: 0,
  acl: [],
};
const present: NodeObject = { state: 'node', path, zxid: 5, meta, data: null, children: { in: 'object', names: [] } };

/** Each look finds the next pair; the last one stays. */
function reading(...looks: { hidden?: NodeObject; open?: NodeObject }[]) {
  let at = 0;
  const get = async (key: string) => {
    const found = looks[Math.min(at, looks.length - 1)]!;
    const object = key === keys.protectedNode(path) ? found.hidden : found.open;
    return object && { body: encodeNodeObject(object), etag: '' };
  };
  const sleep = async () => void at++;
  const outside = { objects: { get }, clock: { now: () => 0, sleep }, random: { fraction: () => 0 } };
  const read = { type: 'read', path, what: 'getData', meta } as const;
  return answerDeferred(outside as unknown as Outside, keys, read, { ask: () => undefined });
}

test('a node that is being opened to everyone does not look deleted', async () => {
  const buried: NodeObject = { state: 'absent', path, zxid: 5 };
  const stub: NodeObject = { state: 'protected', path, zxid: 2 };
  const answer = await reading({ hidden: buried, open: stub }, { hidden: buried, open: present });
  expect(answer).toMatchObject({ zxid: 5, stat: { czxid: 2 } });
});

test('a protected node that is deleted is gone when the public place says so', async () => {
  const gone: NodeObject = { state: 'absent', path, zxid: 5 };
  const stub: NodeObject = { state: 'protected', path, zxid: 2 };
  expect(await reading({ hidden: gone, open: stub }, { hidden: gone, open: gone })).toBeUndefined();
});
