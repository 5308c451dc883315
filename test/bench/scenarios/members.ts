import type { BenchSystem } from '../client.ts';
import type { LoadTarget } from '../load/load.ts';
import { ownRoot } from './context.ts';

/** A system as ZooKeeper's clients see it. */
export interface Member {
  readonly system: BenchSystem;
  readonly target: LoadTarget;
  readonly root: string;
}

export function membersOf(systems: readonly BenchSystem[]): Member[] {
  return systems.map((system) => {
    const { host, port } = system.wire;
    return { system, target: { system: system.name, host, port }, root: ownRoot() };
  });
}
