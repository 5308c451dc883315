import { JuteError } from './errors.ts';
import type { Long } from './records.ts';

const TWO_32 = 0x1_0000_0000;
/** High halves from -(2^21) to below 2^21 give exact numbers. */
const EXACT_HIGH = 0x20_0000;

/** Reads jute's primitives from one frame; buffers are views of it. Every access is checked against its end. */
export class JuteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  long(): Long {
    const at = this.#advance(8);
    const high = this.#bytes.readInt32BE(at);
    if (high >= EXACT_HIGH || high < -EXACT_HIGH) return this.#bytes.readBigInt64BE(at);
    return high * TWO_32 + this.#bytes.readUInt32BE(at + 4);
  }

  bool(): boolean {
    return this.#bytes[this.#advance(1)] !== 0;
  }

  ustring(): string | null {
    const length = this.#length();
    if (length < 0) return null;
    const at = this.#advance(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  buffer(): Uint8Array | null {
    const length = this.#length();
    if (length < 0) return null;
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  vector<T>(element: () => T, leastBytes: number): T[] | null {
    const count = this.#length();
    if (count < 0) return null;
    // Each element takes some bytes: what cannot be there is refused before memory is taken for it.
    if (count * leastBytes > this.remaining) {
      throw new JuteError('truncated', `A vector of ${count} elements does not fit ${this.remaining} bytes`);
    }
    const elements: T[] = [];
    for (let i = 0; i < count; i++) elements.push(element());
    return elements;
  }

  /** -1 stands for null. */
  #length(): number {
    const length = this.int();
    if (length < -1) throw new JuteError('negative-length', `A length of ${length}`);
    return length;
  }

  #advance(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#bytes.length - at) {
      throw new JuteError('truncated', `${bytes} bytes are missing at ${at} of ${this.#bytes.length}`);
    }
    this.#at = at + bytes;
    return at;
  }
}
