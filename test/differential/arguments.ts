/** Random arguments: few paths and values, so that operations meet, and every kind of wrong one. */
import { createHash } from 'node:crypto';
import type { Fields } from '../support/zk-wire/index.ts';
import type { Random } from './random.ts';

const paths = [
  [6, '~/a'],
  [4, '~/b'],
  [4, '~/a/x'],
  [3, '~/a/y'],
  [2, '~/a/x/p'],
  [1, '~/b/c'],
  [1, '~/a/s0000000000'],
  [1, '~/a/s0000000001'],
  [1, '~/a/s0000000002'],
  [1, '~'],
] as const;

/** Without the empty one: to a real server it is `/`, which all sequences share. */
const badPaths = [
  'a',
  '~/',
  '~//a',
  '~/a/',
  '~/a//x',
  '~/./a',
  '~/../a',
  '~/a/..',
  '~/a\u0000b',
  '~/\u0001',
  '~/\uf001',
];

export const path = (random: Random): string => (random.chance(0.03) ? random.pick(badPaths) : random.weighted(paths));

export const sequentialPath = (random: Random): string =>
  random.chance(0.05) ? random.pick(badPaths) : random.pick(['~/a/s', '~/a/s', '~/b/s', '~/s', '~/a/']);

export const data = (random: Random): string | null =>
  random.weighted<string | null>([
    [5, 'one'],
    [3, 'two'],
    [2, ''],
    [2, null],
    [0.3, 'long '.repeat(2_000)],
  ]);

export const version = (random: Random): number =>
  random.weighted([
    [8, -1],
    [3, 0],
    [3, 1],
    [2, 2],
    [1, 3],
    [0.3, -2],
    [0.3, 2_147_483_647],
  ]);

const digest = (text: string) => `${text.split(':')[0]}:${createHash('sha1').update(text).digest('base64')}`;
const entry = (perms: number, scheme: string, id: string) => ({ perms, id: { scheme, id } });

const acls: readonly (readonly [number, readonly Fields[] | null])[] = [
  [30, [entry(31, 'world', 'anyone')]],
  [2, [entry(1, 'world', 'anyone')]],
  [2, [entry(15, 'world', 'anyone')]],
  [3, [entry(31, 'auth', '')]],
  [2, [entry(31, 'digest', digest('ann:secret'))]],
  [2, [entry(1, 'world', 'anyone'), entry(31, 'digest', digest('ann:secret'))]],
  [1, [entry(31, 'digest', digest('bob:secret')), entry(1, 'digest', digest('ann:secret'))]],
  [1, [entry(31, 'ip', '127.0.0.1')]],
  [1, [entry(31, 'ip', '127.0.0.0/8')]],
  [1, [entry(31, 'ip', '10.1.2.3')]],
  [1, [entry(31, 'world', 'anyone'), entry(31, 'world', 'anyone')]],
  [1, [entry(1, 'world', 'anyone'), entry(30, 'auth', '')]],
  [0.5, [entry(0, 'world', 'anyone')]],
  [0.5, []],
  [0.5, null],
  [0.5, [entry(31, 'nobody-knows', 'x')]],
  [0.5, [entry(31, 'world', 'nobody')]],
  [0.5, [entry(31, 'digest', 'no-colon')]],
  [0.5, [entry(31, 'ip', '300.1.1.1')]],
  [0.5, [entry(31, 'ip', '127.0.0.1/99')]],
  [0.5, [entry(31, 'world', 'anyone'), entry(31, 'auth', '')]],
];

export const acl = (random: Random) => random.weighted(acls);

/** Create's flags: the modes of ZooKeeper, and unknown ones. */
export const flags = (random: Random): number =>
  random.weighted([
    [10, 0],
    [5, 1],
    [4, 2],
    [3, 3],
    [1, 4],
    [0.5, 5],
    [0.5, 6],
    [0.3, 7],
    [0.3, -1],
  ]);

export const isSequential = (mode: number): boolean => mode === 2 || mode === 3 || mode === 6;

/** Milliseconds: far above what a sequence takes, and wrong ones. */
export const ttl = (random: Random): number =>
  random.weighted([
    [6, 3_600_000],
    [1, 0],
    [1, -1],
    [0.5, 0xffffffffff],
    [0.5, 0x10000000000],
  ]);

export const credentials = (random: Random): Fields =>
  random.weighted<Fields>([
    [6, { type: 0, scheme: 'digest', auth: 'ann:secret' }],
    [3, { type: 0, scheme: 'digest', auth: 'bob:secret' }],
    [1, { type: 0, scheme: 'digest', auth: 'ann:wrong' }],
    [0.5, { type: 0, scheme: 'digest', auth: 'no-colon' }],
    [0.7, { type: 0, scheme: 'ip', auth: '' }],
    [0.5, { type: 0, scheme: 'world', auth: 'anyone' }],
    [0.5, { type: 0, scheme: 'nobody-knows', auth: 'x' }],
  ]);
