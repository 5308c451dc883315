import { type Acl, OPEN_ACL_UNSAFE, type Operation } from '@faaskeeper/protocol';
import { HIDDEN_ACL, make } from './client.ts';
import type { Action } from './history.ts';
import type { Chance } from './random.ts';

/** What clients like to do; a seed draws how much of each. */
export interface Taste {
  readonly reads: number;
  readonly watches: number;
  readonly multis: number;
  readonly ephemerals: number;
  readonly syncs: number;
  readonly aborts: number;
  /** Nodes that not everyone may read. */
  readonly hidden: number;
  readonly ttls: number;
  /** Different names below the few parents: few collide, many spread out. */
  readonly names: number;
}

/** The most of writes that their callers give up. */
const ABORTS = 0.3;
const PARENTS = ['/', '/a', '/b', '/a/x'] as const;
const WRITE_MODES = ['PERSISTENT', 'PERSISTENT', 'PERSISTENT', 'PERSISTENT_SEQUENTIAL', 'CONTAINER'] as const;
const TTL_MODES = ['PERSISTENT_WITH_TTL', 'PERSISTENT_SEQUENTIAL_WITH_TTL'] as const;
const MOST_TTL_MS = 10_000;
const EPHEMERAL_MODES = ['EPHEMERAL', 'EPHEMERAL_SEQUENTIAL'] as const;

export function drawTaste(chance: Chance): Taste {
  return {
    reads: chance.between(0.2, 0.8),
    watches: chance.fraction() * 0.6,
    multis: chance.fraction() * 0.3,
    ephemerals: chance.fraction() * 0.5,
    syncs: chance.fraction() * 0.1,
    aborts: chance.happens(0.3) ? chance.fraction() * ABORTS : 0,
    hidden: chance.happens(0.2) ? chance.fraction() * 0.4 : 0,
    ttls: chance.happens(0.3) ? chance.fraction() * 0.5 : 0,
    names: 1 + chance.below(6),
  };
}

/** Random actions of one client; its data say where they come from. */
export class Workload {
  readonly #chance: Chance;
  readonly #taste: Taste;
  readonly #name: string;
  #count = 0;

  constructor(chance: Chance, taste: Taste, name: string) {
    this.#chance = chance;
    this.#taste = taste;
    this.#name = name;
  }

  next(): Action {
    const { reads, watches, syncs, aborts } = this.#taste;
    const chance = this.#chance;
    if (!chance.happens(reads)) {
      const operation: Operation = chance.happens(syncs) ? { type: 'sync', path: '/any' } : this.#write();
      const abortable = operation.type === 'create' || operation.type === 'setData';
      if (abortable && chance.happens(aborts)) return { kind: 'write', operation, abortAfter: chance.around(300) };
      return { kind: 'write', operation };
    }
    const path = this.#path();
    if (chance.happens(watches * 0.2)) return { kind: 'addWatch', path, recursive: chance.happens(0.3) };
    const what = chance.pick(['exists', 'getData', 'getData', 'getChildren'] as const);
    return { kind: 'read', what, path, watch: chance.happens(watches) };
  }

  #write(): Operation {
    if (this.#chance.happens(this.#taste.hidden * 0.5))
      return make.setACL(this.#path(), this.#acl(), this.#chance.happens(0.8) ? -1 : this.#chance.below(3));
    if (!this.#chance.happens(this.#taste.multis)) return this.#one();
    const operations = Array.from({ length: 1 + this.#chance.below(4) }, () =>
      this.#chance.happens(0.2) ? make.check(this.#path(), this.#version()) : this.#one(),
    );
    return { type: 'multi', operations };
  }

  #one(): Extract<Operation, { type: 'create' | 'delete' | 'setData' }> {
    const chance = this.#chance;
    const data = `${this.#name}.${++this.#count}`;
    const dice = chance.fraction();
    if (dice < 0.45) {
      const acl = this.#acl();
      if (chance.happens(this.#taste.ttls))
        return make.create(this.#path(), data, chance.pick(TTL_MODES), { acl, ttl: 1 + chance.below(MOST_TTL_MS) });
      const isEphemeral = chance.happens(this.#taste.ephemerals);
      return make.create(this.#path(), data, chance.pick(isEphemeral ? EPHEMERAL_MODES : WRITE_MODES), { acl });
    }
    if (dice < 0.65) return make.delete(this.#path(), this.#version());
    return make.setData(this.#path(), data, this.#version());
  }

  #acl(): readonly Acl[] {
    return this.#chance.happens(this.#taste.hidden) ? HIDDEN_ACL : OPEN_ACL_UNSAFE;
  }

  #version(): number {
    return this.#chance.happens(0.8) ? -1 : this.#chance.below(4);
  }

  /** Sometimes a parent, sometimes something below one. */
  #path(): string {
    const chance = this.#chance;
    const parent = chance.pick(PARENTS);
    if (parent !== '/' && chance.happens(0.3)) return parent;
    const name = chance.happens(0.15) ? 'a' : `n${chance.below(this.#taste.names)}`;
    return parent === '/' ? `/${name}` : `${parent}/${name}`;
  }
}
