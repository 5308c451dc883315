import type { SystemName } from './client.ts';
import type { Machine } from './machine.ts';
import type { Round } from './measure.ts';

export const sections = ['operations', 'watch', 'children', 'primitives', 'floors', 'stages'] as const;
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

/** Everything that one run found out; `--json` writes it. */
export interface Results {
  readonly date: string;
  readonly seconds: number;
  readonly settings: { readonly rounds: number; readonly children: number; readonly quick: boolean };
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly measurements: readonly Measurement[];
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
