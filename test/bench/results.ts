import type { Memory, SystemName } from './client.ts';
import type { Churn } from './load/commands.ts';
import type { Machine } from './machine.ts';
import type { Round } from './measure.ts';

export const sections = ['operations', 'gateway', 'watch', 'children', 'primitives', 'floors', 'stages'] as const;
export type Section = (typeof sections)[number];

/** One operation on one system, over all rounds. */
export interface Measurement {
  readonly section: Section;
  /** What was measured: `setData`, `timed lock: acquire and release` … */
  readonly operation: string;
  readonly system: SystemName | 'redis';
  /** Data of the node. */
  readonly sizeBytes?: number;
  readonly outstanding: number;
  readonly rounds: readonly Round[];
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
  readonly measurements: readonly Measurement[];
  readonly idle?: readonly IdleMemory[];
}

/** Collects rounds while the systems take turns. */
export class Recorder {
  readonly #measurements = new Map<string, Measurement & { rounds: Round[] }>();

  add(what: Omit<Measurement, 'rounds'>, round: Round): void {
    const key = [what.section, what.operation, what.system, what.sizeBytes, what.outstanding].join('|');
    const known = this.#measurements.get(key);
    if (known === undefined) this.#measurements.set(key, { ...what, rounds: [round] });
    else known.rounds.push(round);
  }

  get measurements(): Measurement[] {
    return [...this.#measurements.values()];
  }
}
