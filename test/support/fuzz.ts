/**
 * Seeded fuzzing. `FAASKEEPER_FUZZ_SEED` and `FAASKEEPER_FUZZ_ROUNDS` make a run longer, or repeat one: each failure names
 * the seed and the round that it came from.
 */
import { seeded } from './tree-model.ts';

const SEED = Number(process.env.FAASKEEPER_FUZZ_SEED ?? 20_261_124);

/** Random things of one round. */
export class Fuzz {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  /** 0 ≤ value < below */
  int(below: number): number {
    return Math.floor(this.#random() * below);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)] as T;
  }

  bytes(most: number): Uint8Array {
    return Uint8Array.from({ length: this.int(most + 1) }, () => this.int(256));
  }

  text(most: number): string {
    const alphabet = ['a', 'Z', '0', '/', '.', '*', '>', ' ', '\u0000', '\n', 'é', '😀', '\ud800', ':', '"', '%'];
    return Array.from({ length: this.int(most + 1) }, () => this.pick(alphabet)).join('');
  }

  /** Anything that JSON or MessagePack can say. */
  value(depth = 3): unknown {
    const numbers = [0, -1, 1.5, 2 ** 53, -(2 ** 31), Number.NaN, Number.POSITIVE_INFINITY, this.int(1_000_000)];
    const simple = [() => null, () => true, () => this.pick(numbers), () => this.text(20), () => this.bytes(40)];
    if (depth === 0 || this.chance(0.5)) return this.pick(simple)();
    if (this.chance(0.5)) return Array.from({ length: this.int(5) }, () => this.value(depth - 1));
    return Object.fromEntries(Array.from({ length: this.int(5) }, () => [this.text(8), this.value(depth - 1)]));
  }

  /** The bytes with some flipped, cut off, put in, or all others. */
  mutated(bytes: Uint8Array): Uint8Array {
    if (this.chance(0.1)) return this.bytes(200);
    const changed = [...bytes];
    for (let i = 1 + this.int(4); i > 0; i--) {
      const at = this.int(changed.length + 1);
      const how = this.int(4);
      if (how === 0) changed[Math.min(at, changed.length - 1)] = this.int(256);
      else if (how === 1) changed.splice(at, 1 + this.int(8));
      else if (how === 2) changed.splice(at, 0, ...this.bytes(8));
      else changed.length = at;
    }
    return Uint8Array.from(changed, (byte) => byte ?? 0);
  }

  /** The value with something in it replaced, removed or added. */
  changed(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array || this.chance(0.15)) {
      return this.value();
    }
    if (Array.isArray(value)) {
      const copy = [...(value as unknown[])];
      const at = this.int(copy.length + 1);
      copy.splice(at, this.int(2), at < value.length ? this.changed(value[at]) : this.value());
      return copy;
    }
    const copy: Record<string, unknown> = { ...value };
    const key = this.pick([...Object.keys(copy), this.text(6), '__proto__', 'constructor']);
    if (this.chance(0.3)) delete copy[key];
    else Object.defineProperty(copy, key, { value: this.changed(copy[key]), enumerable: true, configurable: true });
    return copy;
  }
}

/** Runs `round` so often (or as often as the environment says), each with random things of its own. */
export async function fuzz(rounds: number, round: (random: Fuzz) => void | Promise<void>): Promise<void> {
  const total = Number(process.env.FAASKEEPER_FUZZ_ROUNDS ?? rounds);
  for (let i = 0; i < total; i++) {
    try {
      await round(new Fuzz(SEED + i));
    } catch (cause) {
      const again = `FAASKEEPER_FUZZ_SEED=${SEED + i} FAASKEEPER_FUZZ_ROUNDS=1`;
      throw new Error(`Round ${i}; again with ${again}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }
}

/** The error that `work` throws must be one of these, if it throws. */
export function onlyThrows(work: () => unknown, ...names: string[]): void {
  try {
    work();
  } catch (error) {
    const name = error instanceof Error ? error.name : String(error);
    if (!names.includes(name)) throw error;
  }
}
