import { CLIENTS } from './clients.ts';
import { PROTECTION } from './protection.ts';
import { SYSTEM } from './system.ts';

/** One schedule of docs/schedules.md, told step by step; throws when the outcome is not the expected one. */
export interface Scenario {
  readonly number: number;
  readonly title: string;
  play(seed: number): Promise<void>;
}

export const SCENARIOS: readonly Scenario[] = [...CLIENTS, ...SYSTEM, ...PROTECTION].sort(
  (a, b) => a.number - b.number,
);
