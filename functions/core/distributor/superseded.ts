import { BOUNDS } from '../bounds.ts';

/** Chunks that no object names since some transaction: deleted once LOG is trimmed past it. */
export class Superseded {
  #pending: { key: string; zxid: number }[] = [];
  /** There may be some that are not known here: only listing finds them. At the start, what a killed process left. */
  listingNeeded = true;

  add(keys: readonly string[], zxid: number): void {
    for (const key of keys) {
      if (this.#pending.length >= BOUNDS.supersededChunks) this.listingNeeded = true;
      else this.#pending.push({ key, zxid });
    }
  }

  takeUpTo(zxid: number): string[] {
    const past = this.#pending.filter((chunk) => chunk.zxid <= zxid);
    this.#pending = this.#pending.filter((chunk) => chunk.zxid > zxid);
    return past.map(({ key }) => key);
  }
}
