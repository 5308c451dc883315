import { BOUNDS } from './bounds.ts';
import { UsageError } from './errors.ts';

/** The numbered lines of one shell, for `history` and `redo`. Numbers begin at 0, as in zkCli. */
export class LineLog {
  #lines: string[] = [];
  #first = 0;

  /** The number that the next line gets. */
  get next(): number {
    return this.#first + this.#lines.length;
  }

  add(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length <= BOUNDS.historyLines) return;
    this.#lines.shift();
    this.#first++;
  }

  /** The newest lines, oldest first. */
  newest(count: number): { readonly number: number; readonly line: string }[] {
    const from = Math.max(0, this.#lines.length - count);
    return this.#lines.slice(from).map((line, index) => ({ number: this.#first + from + index, line }));
  }

  /** @throws UsageError when there is no such line (any more). */
  at(number: number): string {
    const line = this.#lines[number - this.#first];
    if (line === undefined)
      throw new UsageError(`Command index out of range: ${number}. Type history for the numbers.`);
    return line;
  }

  /** Puts another line in the place of the last: what `redo` did, instead of `redo`. */
  replaceLast(line: string): void {
    this.#lines[this.#lines.length - 1] = line;
  }
}
