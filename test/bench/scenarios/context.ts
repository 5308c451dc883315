import { randomBytes } from 'node:crypto';
import type { BenchSystem, SystemName } from '../client.ts';
import type { BenchOptions } from '../options.ts';
import type { Recorder } from '../results.ts';
import type { FaaSKeeperSystem } from '../systems/faaskeeper.ts';

/** What every scenario works with. */
export interface BenchContext {
  readonly systems: readonly BenchSystem[];
  /** Those of them that are FaaSKeeper. */
  readonly own: readonly FaaSKeeperSystem[];
  readonly options: BenchOptions;
  readonly recorder: Recorder;
  /** Tells the person who waits. */
  readonly say: (line: string) => void;
  /** A new directory, which goes with the run. */
  readonly directory: () => Promise<string>;
}

/** The first FaaSKeeper: what is the same with any user storage is measured on it. */
export function anyOwn({ own }: BenchContext): FaaSKeeperSystem | undefined {
  return own[0];
}

export function named<T extends { readonly name: SystemName }>(systems: readonly T[], name: SystemName): T | undefined {
  return systems.find((system) => system.name === name);
}

/** A node below the root that nothing else uses. */
export function ownRoot(): string {
  return `/bench-${randomBytes(4).toString('hex')}`;
}

/** Data that does not compress. */
export function payload(sizeBytes: number): Uint8Array {
  return randomBytes(sizeBytes);
}

/** Runs `visit` for each member, round after round, beginning with another one each time: noise hits all alike. */
export async function takeTurns<T>(
  members: readonly T[],
  rounds: number,
  visit: (member: T, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < members.length; turn++) {
      await visit(members[(round + turn) % members.length] as T, round);
    }
  }
}
