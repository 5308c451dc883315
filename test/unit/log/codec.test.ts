import { encode, MarshallingError, type NodeMeta, OPEN_ACL_UNSAFE } from '@faaskeeper/protocol';
import { decodeLogPayload, type Effect, encodeLogPayload, type LogEntry } from '../../../functions/core/log-entry.ts';

const stat = {
  ...{ czxid: 1, mzxid: 2, pzxid: 3, ctime: 4, mtime: 5, version: 6, cversion: 7, aversion: 8 },
  ...{ ephemeralOwner: 9, dataLength: 10, numChildren: 11 },
};
const meta: NodeMeta = {
  ...{ czxid: 1, mzxid: 2, pzxid: 3, ctime: 4, mtime: 5, version: 6, aversion: 7, created: 8, numChildren: 9 },
  ...{ dataLength: 10, kind: 'ttl', ephemeralOwner: 12, ttl: 13, acl: OPEN_ACL_UNSAFE },
};
const ann = [{ scheme: 'digest', id: 'ann:x', permissions: 1 }];
const effects: readonly Effect[] = [
  { type: 'put', path: '/a', change: 'created', meta, data: Buffer.from('x') },
  { type: 'put', path: '/null', change: 'data', meta: { ...meta, kind: 'persistent', acl: ann }, data: null },
  { type: 'put', path: '/', change: 'children', meta: { ...meta, acl: [...OPEN_ACL_UNSAFE, ...ann] } },
  { type: 'delete', path: '/b', kind: 'ephemeral', ephemeralOwner: 14 },
  { type: 'delete', path: '/c', kind: 'persistent', ephemeralOwner: 0, acl: ann },
  { type: 'repair', path: '/d' },
  { type: 'forget', session: 15, nonce: '00' },
  { type: 'unregister', path: '/e', id: 'f' },
];
const results = [stat, { path: '/a', stat }, null, 'text', ann, [{ stat }, stat], { ...stat, more: 1 }, { path: '/a' }];
const entry: LogEntry = {
  id: 'abc',
  time: 1_700_000_000_000,
  zxidBefore: 2 ** 40,
  zxid: 2 ** 40 + 2,
  transactions: [
    { zxid: 1, session: 2, number: 3, effects },
    { zxid: 2, session: 2, number: 4, error: 'NoNode', effects: [] },
    ...results.map((result, i) => ({ zxid: 3, session: 2, number: 5 + i, result, effects: [] })),
    { zxid: 4, session: 2, number: 20, error: 'BadVersion' as const, result: ['Ok'], effects: [] },
  ],
  progress: [{ session: 2, last: 20, lowest: 3, confirmedFrom: 1 }],
};

test('an entry is read as it was written', () => {
  for (const one of [entry, { ...entry, totals: [1, 2, 3] as const }]) {
    expect(decodeLogPayload(encodeLogPayload({ in: 'message', entry: one }))).toEqual({ in: 'message', entry: one });
  }
});

test('an entry of an earlier release, with names, is read', () => {
  const named = encode({ format: 1, in: 'message', entry });
  expect(decodeLogPayload(named)).toEqual({ in: 'message', entry });
});

test('an entry that is in an object is named by its message', () => {
  const payload = { in: 'object', id: 'abc', part: '1-ff' } as const;
  expect(decodeLogPayload(encodeLogPayload(payload))).toMatchObject(payload);
});

test('a format that never was is not valid', () => {
  for (const format of [0, -1, 1.5, '2', undefined]) {
    const payload = encode({ format, in: 'object', id: 'abc', part: '1-ff' });
    expect(() => decodeLogPayload(payload)).toThrow(MarshallingError);
  }
});
