import type { Memory, SystemName } from './client.ts';
import type { Churn } from './load/commands.ts';
import type { Machine } from './machine.ts';
import type { Round } from './measure.ts';
import type { PartName } from './options.ts';

const sections = [
  'operations',
  'sustained',
  'mix',
  'instances',
  'gateway',
  'watch',
  'fanout',
  'children',
  'tree',
  'primitives',
  'queues',
  'floors',
  'stages',
  'breakdown',
  'coldstart',
] as const;
export type Section = (typeof sections)[number];

/** One operation on one system, over all rounds. */
export interface Measurement {
  readonly section: Section;
  /** What was measured: `setData`, `timed lock: acquire and release` … */
  readonly operation: string;
  readonly system: SystemName | 'redis' | 's3';
  /** Data of the node. */
  readonly sizeBytes?: number;
  readonly outstanding: number;
  readonly rounds: readonly Round[];
}

/** What is neither a latency nor a rate: one value a round, in the unit that the name says. Less is better. */
export interface Figure {
  readonly section: 'heartbeat' | 'idle' | 'cost' | 'queues' | 'tree';
  readonly name: string;
  readonly system: SystemName;
  readonly values: readonly number[];
}

/** What connected sessions that do nothing cost a server. */
export interface IdleMemory {
  readonly system: SystemName;
  readonly sessions: number;
  /** Before, with the sessions, and after these and more have come and gone. */
  readonly before: Memory;
  readonly connected: Memory;
  readonly churn: Churn;
  readonly after: Memory;
}

/** Everything that one run found out; `--json` writes it. */
export interface Results {
  readonly date: string;
  readonly seconds: number;
  readonly settings: { readonly rounds: number; readonly children: number; readonly quick: boolean };
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** What the run was asked for. */
  readonly parts?: readonly PartName[];
  /** Experiments that broke off; what they had measured by then counts. */
  readonly failures?: readonly { readonly part: PartName; readonly reason: string }[];
  /** Parts that were measured again in later runs, whose figures have replaced those of this one. */
  readonly again?: readonly { readonly date: string; readonly load: number; readonly parts: readonly PartName[] }[];
  readonly measurements: readonly Measurement[];
  readonly figures?: readonly Figure[];
  readonly idle?: readonly IdleMemory[];
}

/** Collects rounds while the systems take turns. */
export class Recorder {
  readonly #measurements = new Map<string, Measurement & { rounds: Round[] }>();
  readonly #figures = new Map<string, Figure & { values: number[] }>();
  readonly idle: IdleMemory[] = [];

  add(what: Omit<Measurement, 'rounds'>, round: Round): void {
    const key = keyOf(what);
    const known = this.#measurements.get(key);
    if (known === undefined) this.#measurements.set(key, { ...what, rounds: [round] });
    else known.rounds.push(round);
  }

  figure(what: Omit<Figure, 'values'>, value: number): void {
    const key = [what.section, what.name, what.system].join('|');
    const known = this.#figures.get(key);
    if (known === undefined) this.#figures.set(key, { ...what, values: [value] });
    else known.values.push(value);
  }

  get measurements(): Measurement[] {
    return [...this.#measurements.values()];
  }

  get figures(): Figure[] {
    return [...this.#figures.values()];
  }
}

function keyOf({ section, operation, system, sizeBytes, outstanding }: Omit<Measurement, 'rounds'>): string {
  return [section, operation, system, sizeBytes, outstanding].join('|');
}
