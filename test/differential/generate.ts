/** Random sequences of steps: every opcode of the client protocol, in and out of order. */
import type { Fields, OperationName, Part, Value } from '../support/zk-wire/index.ts';
import * as some from './arguments.ts';
import { Random } from './random.ts';
import { type Request, type Step, slotCount } from './steps.ts';

type Make = (random: Random) => Fields;

const watched: Make = (random) => ({ path: some.path(random), watch: random.chance(0.4) });
const justPath: Make = (random) => ({ path: some.path(random) });
const versioned: Make = (random) => ({ path: some.path(random), version: some.version(random) });
const typed: Make = (random) => ({
  path: some.path(random),
  type: random.weighted([
    [3, 1],
    [3, 2],
    [3, 3],
    [2, 4],
    [2, 5],
    [0.5, 0],
    [0.5, 9],
  ]),
});

const create: Make = (random) => {
  const flags = some.flags(random);
  const path = some.isSequential(flags) ? some.sequentialPath(random) : some.path(random);
  return { path, data: some.data(random), acl: some.acl(random), flags };
};
const createContainer: Make = (random) => ({
  ...create(random),
  flags: random.weighted([
    [9, 4],
    [1, 0],
  ]),
});
const createTTL: Make = (random) => {
  const flags = random.weighted([
    [5, 5],
    [4, 6],
    [0.5, 0],
    [0.5, 1],
    [0.5, 4],
  ]);
  const path = some.isSequential(flags) ? some.sequentialPath(random) : some.path(random);
  const ttl = some.ttl(random);
  // With flags that take none, a TTL of -1 ends a real server (3.9.5) as a whole.
  const survivable = flags === 5 || flags === 6 ? ttl : Math.max(ttl, 0);
  return { path, data: some.data(random), acl: some.acl(random), flags, ttl: survivable };
};

const multi: Make = (random) => {
  const count = random.weighted([
    [1, 0],
    [3, 1],
    [5, 2],
    [4, 3],
    [1, 6],
  ]);
  return { parts: Array.from({ length: count }, () => part(random, partTable)) as unknown as Value };
};
const multiRead: Make = (random) => {
  const count = random.between(0, 4);
  return { parts: Array.from({ length: count }, () => part(random, readTable)) as unknown as Value };
};

const pathList = (random: Random) => [
  ...new Set(Array.from({ length: random.between(0, 3) }, () => some.path(random))),
];
/** The runner adds what the session has seen (relativeZxid). */
const setWatches: Make = (random) => ({
  dataWatches: pathList(random),
  existWatches: pathList(random),
  childWatches: pathList(random),
});
const setWatches2: Make = (random) => ({
  ...setWatches(random),
  persistentWatches: pathList(random),
  persistentRecursiveWatches: pathList(random),
});

type Table = readonly (readonly [weight: number, choice: readonly [OperationName, Make]])[];

const partTable: Table = [
  [6, ['create', create]],
  [3, ['create2', create]],
  [1, ['createContainer', createContainer]],
  [1, ['createTTL', createTTL]],
  [4, ['delete', versioned]],
  [5, ['setData', (random) => ({ ...versioned(random), data: some.data(random) })]],
  [4, ['check', versioned]],
];

const readTable: Table = [
  [1, ['getData', (random) => ({ ...justPath(random), watch: false })]],
  [1, ['getChildren', (random) => ({ ...justPath(random), watch: false })]],
];

const table: Table = [
  [14, ['create', create]],
  [8, ['create2', create]],
  [2, ['createContainer', createContainer]],
  [2, ['createTTL', createTTL]],
  [9, ['delete', versioned]],
  [8, ['exists', watched]],
  [9, ['getData', watched]],
  [12, ['setData', (random) => ({ ...versioned(random), data: some.data(random) })]],
  [3, ['getACL', justPath]],
  [3, ['setACL', (random) => ({ ...versioned(random), acl: some.acl(random) })]],
  [5, ['getChildren', watched]],
  [6, ['getChildren2', watched]],
  [2, ['sync', justPath]],
  [1, ['ping', () => ({})]],
  [11, ['multi', multi]],
  [3, ['multiRead', multiRead]],
  [
    4,
    [
      'addWatch',
      (random) => ({
        path: some.path(random),
        mode: random.weighted([
          [4, 0],
          [5, 1],
          [0.3, 2],
        ]),
      }),
    ],
  ],
  [2, ['removeWatches', typed]],
  [2, ['checkWatches', typed]],
  [2, ['setWatches', setWatches]],
  [2, ['setWatches2', setWatches2]],
  [2, ['getEphemerals', (random) => ({ prefix: random.pick(['~', '~/a', '~/b', '~/none']) })]],
  [2, ['getAllChildrenNumber', justPath]],
  [1, ['whoAmI', () => ({})]],
];

/** What a burst consists of. Requests right behind a setACL are judged by either ACL: a race in a real server, too. */
const burstTable: Table = table.filter(([, [op]]) => op !== 'setACL');

/** Operations that may end the connection: never in a burst, where what follows them is a race. */
const endings: Table = [
  [4, ['auth', some.credentials]],
  [0.5, ['check', versioned]],
  [0.3, ['unknown', justPath]],
  [0.3, ['reconfig', () => ({ joining: null, leaving: null, newMembers: null, configId: -1 })]],
];
const everything: Table = [...table, ...endings];

function part(random: Random, from: Table): Part {
  const [op, make] = random.weighted(from);
  return { op, args: make(random) };
}

/**
 * setWatches of a real server tells of changes of nodes that the session may not read. Ours does not, so a sequence has
 * either nodes that not everyone may read, or setWatches.
 */
type Kind = 'guarded' | 'open';

const anyone = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];

function readable(acl: Value | undefined): boolean {
  if (!Array.isArray(acl) || acl.length === 0) return true;
  const entries = acl as readonly { perms: number; id: { scheme: string; id: string } }[];
  return entries.some(({ perms, id }) => (perms & 1) !== 0 && id.scheme === 'world');
}

function suited({ op, args }: Request, kind: Kind): Request {
  if (kind === 'guarded') return op.startsWith('setWatches') ? { op: 'whoAmI', args: {} } : { op, args };
  if (args.parts === undefined) return readable(args.acl) ? { op, args } : { op, args: { ...args, acl: anyone } };
  const parts = (args.parts as unknown as Part[]).map((one) => suited(one, kind));
  return { op, args: { ...args, parts: parts as unknown as Value } };
}

const request = (random: Random, from: Table, kind: Kind): Request => suited(part(random, from), kind);

/** The sequence of a seed. */
export function generate(seed: number): Step[] {
  const random = new Random(seed);
  const kind = random.pick<Kind>(['guarded', 'open']);
  const steps: Step[] = random.chance(0.7) ? prologue(random) : [];
  const length = random.between(10, 45);
  let at = 0;
  for (let index = 0; index < length; index++) {
    if (random.chance(0.35)) at = random.between(0, slotCount - 1);
    steps.push(step(random, at, kind));
  }
  return steps;
}

/** Something to work on, so that fewer requests fail for want of a node. */
function prologue(random: Random): Step[] {
  const made = ['~/a', '~/b', '~/a/x', '~/a/y'].slice(0, random.between(1, 4));
  const requests = made.map((path): Request => ({ op: 'create', args: { path, data: 'zero', acl: anyone, flags: 0 } }));
  return [{ do: 'burst', at: random.between(0, slotCount - 1), requests }];
}

function step(random: Random, at: number, what: Kind): Step {
  const kind = random.weighted([
    [80, 'request'],
    [9, 'burst'],
    [2, 'close'],
    [3, 'drop'],
    [1.5, 'move'],
    [0.5, 'intrude'],
    [0.5, 'future'],
  ] as const);
  if (kind === 'request') return { do: kind, at, request: request(random, everything, what) };
  if (kind !== 'burst') return { do: kind, at };
  return {
    do: kind,
    at,
    requests: Array.from({ length: random.between(2, 8) }, () => request(random, burstTable, what)),
  };
}
