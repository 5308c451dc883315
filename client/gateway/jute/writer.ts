import type { Long } from './records.ts';

const TWO_32 = 0x1_0000_0000;
/** A new segment begins with so many bytes, and doubles up to the maximum. */
const SEGMENT_FIRST = 512;
const SEGMENT_MAX = 64 * 1024;
/** Longer data is sent from where it is. */
const COPIED_BYTES = 4_096;

/**
 * Collects frames for one flush: small fields go into growing segments, long data is referred to, nothing is moved. It
 * holds no memory between flushes.
 */
export class JuteWriter {
  #full: Uint8Array[] = [];
  #fullBytes = 0;
  #segment: Buffer | undefined;
  /** Where unsent bytes of the segment begin, and where the next goes. */
  #from = 0;
  #at = 0;
  #size = SEGMENT_FIRST;
  #frame: { readonly segment: Buffer; readonly at: number; readonly before: number } | undefined;

  /** Bytes collected. */
  get bytes(): number {
    return this.#fullBytes + this.#at - this.#from;
  }

  /** Begins a frame; what is written until `end` is its content. */
  begin(): void {
    const segment = this.#room(4);
    this.#frame = { segment, at: this.#at, before: this.bytes };
    this.#at += 4;
  }

  end(): void {
    const frame = this.#frame;
    if (frame === undefined) throw new Error('No frame was begun');
    frame.segment.writeInt32BE(this.bytes - frame.before - 4, frame.at);
    this.#frame = undefined;
  }

  /** Hands over what was collected. */
  take(): Uint8Array[] {
    this.#seal();
    const chunks = this.#full;
    this.#full = [];
    this.#fullBytes = 0;
    this.#segment = undefined;
    this.#from = 0;
    this.#at = 0;
    this.#size = SEGMENT_FIRST;
    return chunks;
  }

  int(value: number): void {
    const segment = this.#room(4);
    this.#at = segment.writeInt32BE(value, this.#at);
  }

  long(value: Long): void {
    const segment = this.#room(8);
    if (typeof value === 'bigint') {
      this.#at = segment.writeBigInt64BE(value, this.#at);
      return;
    }
    const high = Math.floor(value / TWO_32);
    segment.writeInt32BE(high, this.#at);
    segment.writeUInt32BE(value - high * TWO_32, this.#at + 4);
    this.#at += 8;
  }

  bool(value: boolean): void {
    const segment = this.#room(1);
    segment[this.#at++] = value ? 1 : 0;
  }

  ustring(value: string | null): void {
    if (value === null) {
      this.int(-1);
      return;
    }
    // At most three bytes a character: mostly there is room, and the length is known after writing.
    const most = value.length * 3;
    if (most <= COPIED_BYTES) {
      const segment = this.#room(4 + most);
      const length = segment.write(value, this.#at + 4, 'utf8');
      segment.writeInt32BE(length, this.#at);
      this.#at += 4 + length;
    } else this.buffer(Buffer.from(value, 'utf8'));
  }

  buffer(value: Uint8Array | null): void {
    if (value === null) {
      this.int(-1);
      return;
    }
    const { length } = value;
    if (length <= COPIED_BYTES) {
      const segment = this.#room(4 + length);
      segment.writeInt32BE(length, this.#at);
      segment.set(value, this.#at + 4);
      this.#at += 4 + length;
      return;
    }
    this.int(length);
    this.#seal();
    this.#full.push(value);
    this.#fullBytes += length;
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    const segment = this.#room(value.length);
    segment.set(value, this.#at);
    this.#at += value.length;
  }

  vector<T>(values: readonly T[] | null, element: (value: T) => void): void {
    if (values === null) {
      this.int(-1);
      return;
    }
    this.int(values.length);
    for (const value of values) element(value);
  }

  #room(bytes: number): Buffer {
    const segment = this.#segment;
    if (segment !== undefined && this.#at + bytes <= segment.length) return segment;
    this.#seal();
    const size = Math.max(this.#size, bytes);
    this.#size = Math.min(size * 2, SEGMENT_MAX);
    this.#segment = Buffer.allocUnsafe(size);
    this.#from = 0;
    this.#at = 0;
    return this.#segment;
  }

  /** What the segment holds so far is complete; the rest of it is still used. */
  #seal(): void {
    if (this.#segment === undefined || this.#at === this.#from) return;
    this.#full.push(this.#segment.subarray(this.#from, this.#at));
    this.#fullBytes += this.#at - this.#from;
    this.#from = this.#at;
  }
}
