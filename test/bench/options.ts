import { parseArgs } from 'node:util';
import { type SystemName, systemNames } from './client.ts';

export const operationNames = [
  'create',
  'setData',
  'delete',
  'getData',
  'cachedGetData',
  'exists',
  'getChildren',
] as const;
export type OperationName = (typeof operationNames)[number];
export const otherParts = ['gateway', 'memory', 'watch', 'children', 'primitives', 'floors', 'stages'] as const;
export const partNames = [...operationNames, ...otherParts] as const;
export type PartName = (typeof partNames)[number];

/** Default sizes of a node's data: 100 B to ZooKeeper's limit. */
const sizes = [100, 1024, 64 * 1024, 250 * 1024, 1024 * 1024];

export interface BenchOptions {
  readonly parts: ReadonlySet<PartName>;
  readonly systems: readonly SystemName[];
  readonly sizes: readonly number[];
  readonly outstanding: readonly number[];
  readonly rounds: number;
  /** Longest round, ms. */
  readonly roundMs: number;
  readonly children: number;
  /** How many children are wanted was said: then filling the parent may take its time. */
  readonly childrenGiven: boolean;
  readonly quick: boolean;
  /** host:port of a ZooKeeper that runs; none is started then. */
  readonly zookeeper?: string;
  readonly json?: string;
  readonly write: boolean;
}

export class BenchUsageError extends Error {
  override readonly name = 'BenchUsageError';
}

export const helpText = `Measures FaaSKeeper against Apache ZooKeeper, both on this machine, taking turns.

Usage: npm run bench -- [flags]

  --quick             A smoke run of half a minute: one round, two sizes, 2,000 children
  --only <parts>      Of ${operationNames.join(', ')},
                      ${otherParts.join(', ')}
                      (gateway and memory: through the ZooKeeper gateway)
  --sizes <bytes>     Data of the nodes; default ${sizes.join(',')}
  --outstanding <n>   Requests on their way at a time; default 1,64,256 (256 for small nodes only)
  --rounds <n>        Rounds of each figure; default 3
  --round-ms <ms>     Longest round; default 100
  --children <n>      Children of the parent with many; default as many as 100 s allow, at most 100000
  --systems <names>   faaskeeper,zookeeper
  --zookeeper <addr>  host:port of a ZooKeeper that runs; without it one is installed and started
  --json <file>       Writes everything measured
  --write             Writes the tables of docs/performance.md
  --help              This text
`;

/** Reads the flags; 'help' when that was asked for. */
export function parseBenchOptions(args: readonly string[]): BenchOptions | 'help' {
  const given = parse(args);
  if (given.help === true) return 'help';
  const quick = given.quick === true;
  return {
    parts: new Set(oneOf('only', given.only, partNames)),
    systems: oneOf('systems', given.systems, systemNames),
    sizes: given.sizes === undefined ? (quick ? [100, 1024] : sizes) : numbers('sizes', given.sizes),
    outstanding:
      given.outstanding === undefined ? (quick ? [1, 64] : [1, 64, 256]) : numbers('outstanding', given.outstanding),
    rounds: number('rounds', given.rounds, quick ? 1 : 3),
    roundMs: number('round-ms', given['round-ms'], quick ? 60 : 100),
    children: number('children', given.children, quick ? 2_000 : 100_000),
    childrenGiven: given.children !== undefined,
    quick,
    write: given.write === true,
    ...(given.zookeeper === undefined ? {} : { zookeeper: given.zookeeper }),
    ...(given.json === undefined ? {} : { json: given.json }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
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
        write: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
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
