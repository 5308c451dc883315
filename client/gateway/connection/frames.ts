import { JuteError } from '../jute/index.ts';

/** Cuts a stream into frames: four bytes of length, then so many bytes. Each byte is copied at most once. */
export class FrameReader {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes of the first chunk that are done with. */
  #at = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that wait for the rest of their frame. */
  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next four bytes as a number, without taking them. */
  word(): number | undefined {
    if (this.#bytes < 4) return undefined;
    const first = this.#chunks[0] as Buffer;
    if (first.length - this.#at >= 4) return first.readInt32BE(this.#at);
    return this.#join().readInt32BE(0);
  }

  /** The next frame, if all of it is there. @throws JuteError for a length that cannot be. */
  next(): Buffer | undefined {
    const length = this.word();
    if (length === undefined) return undefined;
    if (length < 0) throw new JuteError('negative-length', `A frame of ${length} bytes`);
    if (length > this.#maxBytes) {
      throw new JuteError('too-long', `A frame of ${length} bytes, more than jute.maxbuffer (${this.#maxBytes})`);
    }
    if (this.#bytes < length + 4) return undefined;
    let first = this.#chunks[0] as Buffer;
    if (first.length - this.#at < length + 4) first = this.#join();
    const frame = first.subarray(this.#at + 4, this.#at + 4 + length);
    this.#at += 4 + length;
    this.#bytes -= 4 + length;
    if (this.#at === first.length) {
      this.#chunks.shift();
      this.#at = 0;
    }
    return frame;
  }

  /** Takes everything that is there, as it is. */
  rest(): Buffer {
    const all = this.#bytes === 0 ? Buffer.alloc(0) : this.#join();
    this.clear();
    return all;
  }

  clear(): void {
    this.#chunks = [];
    this.#bytes = 0;
    this.#at = 0;
  }

  #join(): Buffer {
    const [first, ...others] = this.#chunks as [Buffer, ...Buffer[]];
    const joined = Buffer.concat([first.subarray(this.#at), ...others], this.#bytes);
    this.#chunks = [joined];
    this.#at = 0;
    return joined;
  }
}
