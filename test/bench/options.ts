import { parseArgs } from 'node:util';
import { type SystemName, systemNames } from './client.ts';

export const operationNames = [
  'create',
  'setData',
  'multi',
  'delete',
  'getData',
  'cachedGetData',
  'exists',
  'getChildren',
] as const;
export type OperationName = (typeof operationNames)[number];
export const otherParts = [
  'primitives',
  'queues',
  'floors',
  'breakdown',
  'sustained',
  'mix',
  'instances',
  'gateway',
  'memory',
  'watch',
  'fanout',
  'heartbeat',
  'coldstart',
  'idle',
  'children',
  'tree',
  'cost',
] as const;
export const partNames = [...operationNames, ...otherParts] as const;
export type PartName = (typeof partNames)[number];

/** Default sizes of a node's data: 4 B to ZooKeeper's limit. */
const sizes = [4, 100, 1024, 64 * 1024, 250 * 1024, 1024 * 1024];

export interface BenchOptions {
  readonly parts: ReadonlySet<PartName>;
  /** Not everything was asked for. */
  readonly partial: boolean;
  readonly systems: readonly SystemName[];
  readonly sizes: readonly number[];
  readonly outstanding: readonly number[];
  readonly rounds: number;
  /** Longest round, ms. */
  readonly roundMs: number;
  readonly children: number;
  /** How many children are wanted was said: then filling the parent may take its time. */
  readonly childrenGiven: boolean;
  /** Nodes of the largest tree. */
  readonly tree: number;
  readonly quick: boolean;
  /** host:port of a ZooKeeper that runs; none is started then. */
  readonly zookeeper?: string;
  readonly json?: string;
  /** Writes the document, with its pictures. */
  readonly report: boolean;
  /** Directory of the document; default docs. */
  readonly into?: string;
  /** Files of an earlier run, and of the one to compare with it (default: a new run). */
  readonly compare?: readonly [old: string, now?: string];
}

export class BenchUsageError extends Error {
  override readonly name = 'BenchUsageError';
}

export const helpText = `Measures FaaSKeeper against Apache ZooKeeper, all on this machine, taking turns.

Usage: npm run bench -- [flags]

  --report            All experiments on all systems; writes docs/performance.md with its pictures. With --only, the
                      other experiments stay as they were
  --into <dir>        Writes them there instead of docs
  --compare <old> [<new>]  Prints what got slower or faster since the run in <old>, in <new> (or a new run)
  --json <file>       Writes everything measured, for --compare
  --quick             A short run of the same shape: one round, two sizes, few sessions, small trees
  --only <parts>      Of ${operationNames.join(', ')},
                      ${wrapped(otherParts)}
  --systems <names>   ${systemNames.join(',')}; default faaskeeper,zookeeper, with --report all
  --sizes <bytes>     Data of the nodes; default ${sizes.join(',')}
  --outstanding <n>   Requests on their way at a time; default 1,64,256 (256 for small nodes only)
  --rounds <n>        Rounds of each figure; default 3
  --round-ms <ms>     Longest round; default 100
  --children <n>      Children of the parent with many; default as many as 100 s allow, at most 100000
  --tree <n>          Nodes of the largest tree; default 100000 (a million takes about half an hour a system)
  --zookeeper <addr>  host:port of a ZooKeeper that runs; without it one is installed and started
  --help              This text
`;

function wrapped(names: readonly string[]): string {
  const half = Math.ceil(names.length / 2);
  return `${names.slice(0, half).join(', ')},\n                      ${names.slice(half).join(', ')}`;
}

/** Reads the flags; 'help' when that was asked for. */
export function parseBenchOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values: given, positionals } = parse(args);
  if (given.help === true) return 'help';
  const quick = given.quick === true;
  const report = given.report === true;
  const [now, ...more] = positionals;
  if (more.length > 0 || (now !== undefined && given.compare === undefined)) {
    throw new BenchUsageError(`'${more[0] ?? now}' is no flag. See npm run bench -- --help.`);
  }
  const usual: readonly SystemName[] =
    report || given.compare !== undefined ? systemNames : ['faaskeeper', 'zookeeper'];
  return {
    parts: new Set(oneOf('only', given.only, partNames)),
    partial: given.only !== undefined,
    systems: given.systems === undefined ? usual : oneOf('systems', given.systems, systemNames),
    sizes: given.sizes === undefined ? (quick ? [100, 1024] : sizes) : numbers('sizes', given.sizes),
    outstanding:
      given.outstanding === undefined ? (quick ? [1, 64] : [1, 64, 256]) : numbers('outstanding', given.outstanding),
    rounds: number('rounds', given.rounds, quick ? 1 : 3),
    roundMs: number('round-ms', given['round-ms'], quick ? 60 : 100),
    children: number('children', given.children, quick ? 2_000 : 100_000),
    childrenGiven: given.children !== undefined,
    tree: number('tree', given.tree, quick ? 1_000 : 100_000),
    quick,
    report,
    ...(given.into === undefined ? {} : { into: given.into }),
    ...(given.zookeeper === undefined ? {} : { zookeeper: given.zookeeper }),
    ...(given.json === undefined ? {} : { json: given.json }),
    ...(given.compare === undefined ? {} : { compare: now === undefined ? [given.compare] : [given.compare, now] }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean' },
        only: { type: 'string' },
        sizes: { type: 'string' },
        outstanding: { type: 'string' },
        rounds: { type: 'string' },
        'round-ms': { type: 'string' },
        children: { type: 'string' },
        systems: { type: 'string' },
        zookeeper: { type: 'string' },
        json: { type: 'string' },
        report: { type: 'boolean' },
        into: { type: 'string' },
        compare: { type: 'string' },
        tree: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (cause) {
    throw new BenchUsageError(`${(cause as Error).message} See npm run bench -- --help.`, { cause });
  }
}

function oneOf<T extends string>(flag: string, text: string | undefined, known: readonly T[]): readonly T[] {
  if (text === undefined) return known;
  return text.split(',').map((word) => {
    const found = known.find((name) => name === word.trim());
    if (found === undefined) throw new BenchUsageError(`--${flag} knows ${known.join(', ')}, not '${word}'.`);
    return found;
  });
}

function numbers(flag: string, text: string): number[] {
  return text.split(',').map((word) => number(flag, word, 0));
}

function number(flag: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new BenchUsageError(`--${flag} takes whole numbers, not '${text}'.`);
  return value;
}
