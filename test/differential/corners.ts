/** Sequences that chance seldom makes, each about one thing. They run through the same comparison as the random ones. */
import type { Fields, OperationName, Part, Value } from '../support/zk-wire/index.ts';
import { quotaMark, type Request, type Step } from './steps.ts';

const anyone = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];

const request = (op: OperationName, args: Fields): Request => ({ op, args });
const ask = (at: number, { op, args }: Request): Step => ({ do: 'request', at, request: { op, args } });
const burst = (at: number, ...requests: Request[]): Step => ({ do: 'burst', at, requests });
const drop = (at: number): Step => ({ do: 'drop', at });

const create = (path: string, flags = 0, data: string | null = 'x') =>
  request('create', { path, data, acl: anyone, flags });
const create2 = (path: string, flags = 0) => request('create2', { path, data: 'x', acl: anyone, flags });
const remove = (path: string, version = -1) => request('delete', { path, version });
const set = (path: string, data: string | null = 'y', version = -1) => request('setData', { path, data, version });
const get = (path: string, watch = false) => request('getData', { path, watch });
const exists = (path: string, watch = false) => request('exists', { path, watch });
const children = (path: string, watch = false) => request('getChildren2', { path, watch });
const getAcl = (path: string) => request('getACL', { path });
const check = (path: string, version: number) => request('check', { path, version });
const addWatch = (path: string, mode: number) => request('addWatch', { path, mode });
const removeWatches = (path: string, type: number) => request('removeWatches', { path, type });
const parts = (...list: Part[]) => list as unknown as Value;
const multi = (...list: Part[]) => request('multi', { parts: parts(...list) });
const multiRead = (...list: Part[]) => request('multiRead', { parts: parts(...list) });
const auth = (credentials: string) => request('auth', { type: 0, scheme: 'digest', auth: credentials });

const guarded = (path: string, scheme: string, id: string) =>
  request('create', { path, data: 'x', acl: [{ perms: 31, id: { scheme, id } }], flags: 0 });

interface Watches {
  readonly data?: readonly string[];
  readonly exist?: readonly string[];
  readonly child?: readonly string[];
  readonly persistent?: readonly string[];
  readonly recursive?: readonly string[];
}
const rewatch = ({ data = [], exist = [], child = [], persistent, recursive }: Watches) => {
  const lists = { dataWatches: data, existWatches: exist, childWatches: child };
  if (persistent === undefined && recursive === undefined) return request('setWatches', lists);
  return request('setWatches2', {
    ...lists,
    persistentWatches: persistent ?? [],
    persistentRecursiveWatches: recursive ?? [],
  });
};

const limitsAt = (path: string) => `${quotaMark}${path}/zookeeper_limits`;
const statsAt = (path: string) => `${quotaMark}${path}/zookeeper_stats`;
const stats = (path: string) => ask(0, get(statsAt(path)));
const quota = (path: string, limits: string) => [
  ask(0, create(`${quotaMark}${path}`)),
  ask(0, create(limitsAt(path), 0, limits)),
  ask(0, create(statsAt(path), 0, 'count=0,bytes=0')),
  stats(path),
];
const noQuota = (path: string) => [
  ask(0, remove(limitsAt(path))),
  stats(path),
  ask(0, remove(statsAt(path))),
  ask(0, remove(`${quotaMark}${path}`)),
];

const nodes = burst(1, create('~/a'), create('~/a/x'), create('~/b'));
/** Everything that a watch on ~/a could see. */
const changes = [
  set('~/a'),
  create('~/a/y'),
  set('~/a/y'),
  remove('~/a/y'),
  remove('~/a/x'),
  remove('~/a'),
  create('~/a'),
];
const allChanges = (at: number) => changes.map((change) => ask(at, change));

export const corners: Readonly<Record<string, readonly Step[]>> = {
  'a data watch': [nodes, ask(0, get('~/a', true)), ...allChanges(1)],
  'a watch on a missing node': [ask(0, exists('~/a', true)), ask(1, create('~/a')), ask(1, set('~/a'))],
  'a getData of a missing node leaves no watch': [ask(0, get('~/a', true)), ask(1, create('~/a'))],
  'a getChildren of a missing node leaves no watch': [ask(0, children('~/a', true)), ask(1, create('~/a'))],
  'an exists watch on a node that is there': [nodes, ask(0, exists('~/a', true)), ...allChanges(1)],
  'a child watch': [nodes, ask(0, children('~/a', true)), ...allChanges(1)],
  'a child watch on a node that is deleted': [nodes, ask(0, children('~/b', true)), ask(1, remove('~/b'))],
  'data, child and parent watches meet a deletion': [
    nodes,
    burst(0, get('~/b', true), exists('~/b', true), children('~/b', true), children('~', true)),
    ask(1, remove('~/b')),
  ],
  'a persistent watch': [nodes, ask(0, addWatch('~/a', 0)), ...allChanges(1), ...allChanges(1)],
  'a recursive watch': [nodes, ask(0, addWatch('~/a', 1)), ...allChanges(1), ...allChanges(1)],
  'a recursive watch on a missing node': [ask(0, addWatch('~/a', 1)), nodes, ...allChanges(1)],
  'every kind of watch on one node': [
    nodes,
    burst(0, addWatch('~/a', 0), addWatch('~', 1), get('~/a', true), children('~/a', true), exists('~/a/y', true)),
    ...allChanges(1),
  ],
  'a persistent watch becomes recursive, and back': [
    nodes,
    burst(0, addWatch('~/a', 0), addWatch('~/a', 1)),
    ...allChanges(1),
    ask(0, addWatch('~/a', 0)),
    ...allChanges(1),
  ],
  'one watch of several is removed': [
    nodes,
    burst(0, get('~/a', true), children('~/a', true), addWatch('~/a', 1), removeWatches('~/a', 2)),
    ask(0, request('checkWatches', { path: '~/a', type: 1 })),
    ask(0, request('checkWatches', { path: '~/a', type: 2 })),
    ask(0, request('checkWatches', { path: '~/a', type: 3 })),
    ask(0, request('checkWatches', { path: '~/a', type: 5 })),
    ...allChanges(1),
  ],
  'all watches of a node are removed': [
    nodes,
    burst(0, get('~/a', true), children('~/a', true), addWatch('~/a', 0), removeWatches('~/a', 3)),
    ...allChanges(1),
    ask(0, removeWatches('~/a', 3)),
  ],
  'a persistent watch is removed, a data watch stays': [
    nodes,
    burst(0, get('~/a', true), addWatch('~/a', 0), removeWatches('~/a', 4)),
    ...allChanges(1),
  ],
  'own watches fire before the own reply': [
    burst(0, create('~/a'), get('~/a', true), set('~/a'), children('~/a', true), create('~/a/x'), exists('~/a/x')),
    burst(0, addWatch('~/a', 1), set('~/a'), get('~/a'), set('~/a'), get('~/a'), remove('~/a/x'), remove('~/a')),
  ],
  'nothing happened while the connection was lost': [
    nodes,
    burst(0, get('~/a', true), exists('~/c', true), children('~/a', true)),
    drop(0),
    ask(0, rewatch({ data: ['~/a'], exist: ['~/c'], child: ['~/a'] })),
    ...allChanges(1),
    ask(1, create('~/c')),
  ],
  'everything changed while the connection was lost': [
    nodes,
    burst(0, get('~/a', true), exists('~/c', true), children('~/a', true), get('~/b', true)),
    drop(0),
    burst(1, set('~/a'), create('~/a/y'), create('~/c'), remove('~/b')),
    ask(0, rewatch({ data: ['~/a', '~/b'], exist: ['~/c'], child: ['~/a', '~/b'] })),
    ...allChanges(1),
  ],
  'a node was deleted and made again meanwhile': [
    nodes,
    burst(0, get('~/b', true), children('~/b', true), exists('~/b', true)),
    drop(0),
    burst(1, remove('~/b'), create('~/b')),
    ask(0, rewatch({ data: ['~/b'], exist: ['~/b'], child: ['~/b'] })),
    burst(1, set('~/b'), create('~/b/x')),
  ],
  'persistent watches come back without what they missed': [
    nodes,
    drop(0),
    burst(1, set('~/a'), create('~/a/y')),
    ask(0, rewatch({ persistent: ['~/b'], recursive: ['~/a'] })),
    ...allChanges(1),
    burst(1, set('~/b'), create('~/b/x'), remove('~/b/x'), remove('~/b')),
  ],
  'watches are of the connection, not of the session': [
    nodes,
    ask(0, get('~/a', true)),
    { do: 'move', at: 0 },
    ask(1, set('~/a')),
    ask(0, get('~/a', true)),
    ask(1, set('~/a')),
  ],
  'ephemerals of a closed session': [
    nodes,
    burst(0, create('~/a/e1', 1), create('~/a/e2', 1), create('~/b/e3', 3)),
    burst(1, exists('~/a/e1', true), children('~/a', true), addWatch('~/b', 1)),
    ask(0, request('getEphemerals', { prefix: '~' })),
    { do: 'close', at: 0 },
    ask(1, children('~/a')),
    ask(0, request('getEphemerals', { prefix: '~' })),
  ],
  'ephemerals stay when the connection is lost': [
    nodes,
    ask(0, create('~/a/e', 1)),
    drop(0),
    ask(1, exists('~/a/e')),
    ask(0, set('~/a/e')),
    { do: 'move', at: 0 },
    ask(0, remove('~/a/e')),
  ],
  'the events of a multi': [
    nodes,
    burst(0, addWatch('~', 1), children('~/a', true), children('~', true), get('~/b', true)),
    ask(1, multi(create('~/a/1'), set('~/b'), create2('~/a/2'), remove('~/b'), create('~/c'), create('~/c/d'))),
  ],
  'a multi on one node': [
    ask(0, multi(create('~/a'), set('~/a', 'one', 0), check('~/a', 1), set('~/a', 'two', 1), remove('~/a', 2))),
    ask(0, multi(create('~/a'), remove('~/a'), create('~/a'), create2('~/a/s', 2), create('~/a/s', 3))),
    ask(0, children('~/a')),
    ask(0, multi(remove('~/a'), create('~/b'))),
  ],
  'a failed multi leaves no trace': [
    nodes,
    burst(0, addWatch('~', 1), children('~/a', true)),
    ask(
      1,
      multi(create('~/a/s', 2), create('~/a/s', 3), set('~/b'), remove('~/a/x'), check('~/none', 0), create('~/d')),
    ),
    ask(1, create('~/a/s', 2)),
    ask(1, exists('~/b')),
    ask(1, multi(check('~/a', 0), check('~/b', 1))),
    ask(1, multi(check('~/a', 0), check('~/b', 0))),
    ask(1, multi()),
  ],
  'numbers of sequential nodes': [
    burst(
      0,
      create('~/a'),
      create('~/a/s', 2),
      create('~/a/x'),
      create('~/a/s', 2),
      remove('~/a/x'),
      create('~/a/s', 2),
    ),
    burst(0, create('~/a/', 2), create2('~/a/s', 3), create('~/a/s0000000000'), create('~/a/t', 2)),
    ask(0, children('~/a')),
  ],
  'null and empty data': [
    burst(0, create('~/n', 0, null), create('~/e', 0, ''), get('~/n'), get('~/e'), set('~/n', ''), set('~/e', null)),
    burst(
      0,
      get('~/n'),
      get('~/e'),
      multiRead(get('~/n'), get('~/e'), get('~/none'), request('getChildren', { path: '~', watch: false })),
    ),
  ],
  'a hundred pipelined requests': [
    ask(0, create('~/a')),
    burst(0, ...Array.from({ length: 50 }, (_, index) => [set('~/a', `value ${index}`), get('~/a')]).flat()),
    burst(0, ...Array.from({ length: 50 }, (_, index) => [create(`~/a/${index}`), children('~/a')]).flat()),
  ],
  'what an ACL forbids': [
    ask(0, auth('ann:secret')),
    ask(
      0,
      request('create', { path: '~/mine', data: 'x', acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }], flags: 0 }),
    ),
    ask(
      0,
      request('create', {
        path: '~/open',
        data: 'x',
        acl: [
          { perms: 1, id: { scheme: 'world', id: 'anyone' } },
          { perms: 30, id: { scheme: 'auth', id: '' } },
        ],
        flags: 0,
      }),
    ),
    ...['~/mine', '~/open'].flatMap((path) => [
      ...[1, 0].map((at) => burst(at, get(path), exists(path), children(path), request('getACL', { path }), set(path))),
      ask(1, request('setACL', { path, acl: anyone, version: -1 })),
      ask(1, create(`${path}/x`)),
      ask(1, multi(set(path), create('~/no'))),
      ask(1, multiRead(get(path), get('~'))),
      ask(1, request('getAllChildrenNumber', { path })),
      ask(1, request('sync', { path })),
      ask(1, addWatch(path, 0)),
      ask(0, create(`${path}/x`)),
      ask(1, remove(`${path}/x`)),
    ]),
    ask(1, request('getAllChildrenNumber', { path: '~' })),
  ],
  'who is asking': [
    ask(0, request('whoAmI', {})),
    ask(0, auth('ann:secret')),
    ask(0, auth('bob:secret')),
    ask(0, auth('ann:secret')),
    ask(0, request('whoAmI', {})),
    { do: 'move', at: 0 },
    ask(0, request('whoAmI', {})),
  ],
  'events of nodes that only an identity may read': [
    nodes,
    ask(0, auth('ann:secret')),
    burst(0, addWatch('~', 1), addWatch('~/a', 0)),
    ask(2, addWatch('~', 1)),
    ask(0, guarded('~/a/mine', 'auth', '')),
    ask(0, set('~/a/mine')),
    ask(0, create('~/a/mine/x')),
    ask(0, remove('~/a/mine/x')),
    ask(0, remove('~/a/mine')),
  ],
  'events of nodes that only an address may read': [
    nodes,
    burst(0, addWatch('~', 1), children('~/a', true)),
    ask(0, guarded('~/a/mine', 'ip', '127.0.0.0/8')),
    ask(0, children('~/a/mine', true)),
    ask(1, create('~/a/mine/x')),
    ask(1, set('~/a/mine')),
    ask(2, guarded('~/a/other', 'ip', '10.1.2.3')),
  ],
  'a closing session that watches what only an address may read': [
    ask(0, guarded('~/b', 'ip', '127.0.0.1')),
    ask(1, create('~/b/s', 3)),
    ask(1, get('~/b', true)),
    { do: 'close', at: 1 },
  ],
  'a watch is spent on what its session may not hear of': [
    nodes,
    ask(1, auth('ann:secret')),
    burst(0, exists('~/a/mine', true), get('~/b', true), children('~/b', true), addWatch('~', 0)),
    ask(1, guarded('~/a/mine', 'auth', '')),
    ask(1, remove('~/a/mine')),
    ask(1, create('~/a/mine')),
    ask(1, request('setACL', { path: '~/b', acl: [{ perms: 31, id: { scheme: 'auth', id: '' } }], version: -1 })),
    burst(1, set('~/b'), create('~/b/x')),
    ask(0, request('checkWatches', { path: '~/b', type: 1 })),
    ask(0, request('checkWatches', { path: '~/b', type: 2 })),
    ask(1, request('setACL', { path: '~/b', acl: anyone, version: -1 })),
    burst(1, set('~/b'), create('~/b/y')),
  ],
  'a multi of what everyone may hear and what not': [
    nodes,
    ask(1, auth('ann:secret')),
    burst(0, addWatch('~', 1), children('~/a', true), addWatch('~/a', 0)),
    burst(1, addWatch('~', 1), children('~/a', true), addWatch('~/a/mine', 0)),
    ask(
      1,
      multi(
        create('~/a/1'),
        guarded('~/a/mine', 'auth', '') as Part,
        set('~/a/mine'),
        create('~/a/mine/x'),
        set('~/b'),
        remove('~/a/mine/x'),
        guarded('~/c', 'ip', '127.0.0.1') as Part,
        set('~/c'),
        create('~/c/x'),
        remove('~/a/mine'),
        create('~/d'),
      ),
    ),
    ask(1, multi(set('~/c'), set('~/d'), remove('~/c/x'), remove('~/c'), create('~/c'), set('~/c'))),
  ],
  'what is refused at once, between writes that are not': [
    burst(0, addWatch('~', 1), addWatch('~/b', 0)),
    burst(
      0,
      create('~/a'),
      exists('~/../a'),
      request('ping', {}),
      remove('~/none'),
      removeWatches('~/none', 1),
      create('~/b'),
      children('~/../a'),
      addWatch('~/b', 7),
      multi(check('~/a', 9), create('~/c')),
      request('ping', {}),
      set('~/b'),
      getAcl('~/../b'),
      set('~/b', 'y', 9),
      create('~/c'),
    ),
    burst(
      0,
      set('~/none'),
      multi(set('~/a', 'y', 9)),
      request('checkWatches', { path: '~/b', type: 4 }),
      create('~/a/x'),
    ),
  ],
  'nodes that go by themselves': [
    burst(
      0,
      request('createContainer', { path: '~/c', data: 'x', acl: anyone, flags: 4 }),
      create('~/c/x'),
      remove('~/c/x'),
      exists('~/c'),
    ),
    burst(
      0,
      request('createTTL', { path: '~/t', data: 'x', acl: anyone, flags: 5, ttl: 3_600_000 }),
      set('~/t'),
      create('~/t/x'),
      exists('~/t'),
    ),
    burst(
      0,
      request('createTTL', { path: '~/t/s', data: 'x', acl: anyone, flags: 6, ttl: 3_600_000 }),
      children('~/t'),
    ),
    ask(
      1,
      multi(
        request('createTTL', { path: '~/u', data: 'x', acl: anyone, flags: 5, ttl: 60_000 }),
        request('createContainer', { path: '~/d', data: 'x', acl: anyone, flags: 4 }),
      ),
    ),
  ],
  'a sync of a node that is not there': [
    ask(0, request('sync', { path: '~/none' })),
    ask(0, request('sync', { path: '~' })),
  ],
  'who may not come in': [
    { do: 'intrude', at: 0 },
    ask(0, create('~/a', 1)),
    { do: 'future', at: 1 },
    ask(0, get('~/a')),
  ],
  'a check outside a multi, and an unknown opcode': [
    nodes,
    ask(0, create('~/e', 1)),
    ask(0, check('~/a', 0)),
    ask(0, get('~/e')),
    ask(0, request('unknown', { path: '~/a' })),
    ask(0, get('~/e')),
  ],
  'quotas that count': [
    nodes,
    ...quota('', 'count=9,bytes=99'),
    ask(1, get(statsAt(''), true)),
    ...[
      create('~/c', 1, 'abc'),
      set('~/c', 'abcdefghijklmno'),
      create('~/d-', 2),
      remove('~/a/x'),
      set('~/c', null),
    ].flatMap((change) => [ask(0, change), stats('')]),
    ...[create('~/e', 1), create('~/f', 1, 'twenty bytes, or less')].flatMap((change) => [ask(2, change), stats('')]),
    { do: 'close', at: 2 },
    stats(''),
    ask(0, multi(create('~/m', 0, 'mm'), set('~/m', 'm'), remove('~/b'))),
    ask(0, multi(create('~/n', 0, 'nn'), remove('~/b'))),
    stats(''),
    ask(0, set(statsAt(''), 'count=5,foo=3,bytes=7,byteHardLimit=8')),
    ask(0, create('~/o')),
    ...noQuota(''),
  ],
  'quotas that refuse': [
    nodes,
    ...quota('', 'count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=6'),
    ask(0, create('~/c')),
    ask(0, create('~/d')),
    ask(0, create('~/e')),
    ask(0, create('~/a')),
    ask(0, create('~/none/e')),
    ask(0, set('~/c', 'too much for what is left')),
    ask(0, set('~/c', 'too much for what is left', 9)),
    ask(0, set('~/c', 'y', 9)),
    ask(0, set('~/c', '')),
    ask(0, multi(check('~/a', 0), create('~/e'))),
    stats(''),
    ask(0, create(`${quotaMark}/a`)),
    ...quota('/a', 'countHardLimit=3').slice(1),
    ask(0, create('~/a/y')),
    ask(0, create('~/a/z')),
    stats('/a'),
    stats(''),
    ...noQuota('/a'),
    ask(0, create('~/a/z')),
    ask(0, set(limitsAt(''), 'garbage')),
    ask(0, create('~/g')),
    ask(0, set('~/c', 'z')),
    ask(0, remove('~/c')),
    ...noQuota(''),
  ],
  'refused to clients': [
    ask(0, request('reconfig', { joining: null, leaving: '3', newMembers: null, configId: -1 })),
    ask(0, request('auth', { type: 0, scheme: 'nobody-knows', auth: 'x' })),
    ask(0, get('~')),
  ],
};
