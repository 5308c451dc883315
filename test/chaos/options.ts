import { parseArgs } from 'node:util';
import { FAULTS, type FaultName, faultNames } from './nemesis/faults.ts';
import type { Topology } from './system/local.ts';

export interface ChaosOptions {
  readonly durationMs: number;
  readonly seed: number;
  readonly faults: readonly FaultName[];
  readonly clients: number;
  readonly topology: Topology;
  /** Directory for report, plots and history; undefined: a new one in the temporary directory. */
  readonly report: string | undefined;
  /** Data and logs stay where they are when the run is over. */
  readonly keep: boolean;
  /** `namespace/name` of an instance in a cluster, instead of a system of this machine. */
  readonly cluster: string | undefined;
}

export class ChaosUsageError extends Error {
  override readonly name = 'ChaosUsageError';
}

const list = Object.entries(FAULTS).map(([name, text]) => `    ${name.padEnd(10)} ${text}`);

export const helpText = `Clients work on a FaaSKeeper of real processes while its parts are killed, paused, cut off and damaged; then a checker
judges what they saw.

Usage: npm run chaos -- [flags]

  --duration <s>      How long faults go on; default 120
  --seed <n>          Of everything that is left to chance; default: another one each time
  --faults <names>    Default: all that can be done here
${list.join('\n')}
  --clients <n>       Half of them native, half through the gateway; default 8
  --topology <t>      single, or r3: three nodes of NATS with LOG on each, and a Redis replica; default single
  --report <dir>      For report.md, plots and history.jsonl; default: a new directory in the temporary one
  --keep              Keeps the data and the logs of the run, below the report
  --cluster <ns/name> An instance in the cluster of the current kubectl context; its pods are killed
  --help              This text

The exit code is 0 if nothing is wrong. The same seed makes the same choices; what the system makes of them differs.
`;

/** Reads the flags; 'help' when that was asked for. @throws ChaosUsageError */
export function parseChaosOptions(args: readonly string[]): ChaosOptions | 'help' {
  const given = parse(args);
  if (given.help === true) return 'help';
  const { topology = 'single' } = given;
  if (topology !== 'single' && topology !== 'r3') throw new ChaosUsageError('--topology is single or r3.');
  if (given.cluster !== undefined && !/^[^/]+\/[^/]+$/.test(given.cluster)) {
    throw new ChaosUsageError('--cluster takes namespace/name of a FaaSKeeper resource.');
  }
  return {
    durationMs: 1_000 * number('duration', given.duration, 120),
    seed: number('seed', given.seed, Math.ceil(Math.random() * 1_000_000)),
    faults: given.faults === undefined ? faultNames : given.faults.split(',').map(faultNamed),
    clients: number('clients', given.clients, 8),
    topology,
    report: given.report,
    keep: given.keep === true,
    cluster: given.cluster,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        duration: { type: 'string' },
        seed: { type: 'string' },
        faults: { type: 'string' },
        clients: { type: 'string' },
        topology: { type: 'string' },
        report: { type: 'string' },
        keep: { type: 'boolean' },
        cluster: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw new ChaosUsageError(`${(cause as Error).message} See npm run chaos -- --help.`, { cause });
  }
}

function faultNamed(text: string): FaultName {
  const found = faultNames.find((name) => name === text.trim());
  if (found === undefined) throw new ChaosUsageError(`--faults knows ${faultNames.join(', ')}, not '${text}'.`);
  return found;
}

function number(flag: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new ChaosUsageError(`--${flag} takes whole numbers, not '${text}'.`);
  return value;
}
