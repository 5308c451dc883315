/** The few records of ZooKeeper's wire protocol (jute) that the bench needs. */

/** ZooKeeper's ZooDefs.OpCode. */
export const opcodes = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  ping: 11,
  getChildren2: 12,
  sync: 9,
  multi: 14,
  addWatch: 106,
  closeSession: -11,
} as const;
export type Opcode = keyof typeof opcodes;

export const pingXid = -2;
export const eventXid = -1;

/** Writes jute into one growing buffer; the first four bytes are the frame's length. */
export class Writer {
  #buffer: Buffer;
  #at = 4;

  constructor(sizeBytes = 128) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes);
  }

  int(value: number): this {
    this.#reserve(4);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
    return this;
  }

  long(value: bigint): this {
    this.#reserve(8);
    this.#at = this.#buffer.writeBigInt64BE(value, this.#at);
    return this;
  }

  bool(value: boolean): this {
    this.#reserve(1);
    this.#at = this.#buffer.writeUInt8(value ? 1 : 0, this.#at);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.int(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  text(value: string): this {
    const length = Buffer.byteLength(value);
    this.int(length);
    this.#reserve(length);
    this.#at += this.#buffer.write(value, this.#at);
    return this;
  }

  /** The open ACL: everything for everyone. */
  openAcl(): this {
    return this.int(1).int(31).text('world').text('anyone');
  }

  frame(): Buffer {
    this.#buffer.writeInt32BE(this.#at - 4, 0);
    return this.#buffer.subarray(0, this.#at);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** Cuts a stream of chunks into frames, copying each byte at most once. */
export class FrameSplitter {
  readonly #onFrame: (frame: Buffer) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #wanted = 4;

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#wanted) return;
    let buffer = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    this.#wanted = 4;
    while (buffer.length >= 4) {
      const end = 4 + buffer.readInt32BE(0);
      if (buffer.length < end) {
        this.#wanted = end;
        break;
      }
      this.#onFrame(buffer.subarray(4, end));
      buffer = buffer.subarray(end);
    }
    this.#chunks = buffer.length > 0 ? [buffer] : [];
    this.#bytes = buffer.length;
  }
}

/** Reads jute. */
export class Reader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  int(): number {
    const value = this.#buffer.readInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  skip(bytes: number): this {
    this.#at += bytes;
    return this;
  }

  bytes(): Buffer {
    const length = Math.max(0, this.int());
    const value = this.#buffer.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  text(): string {
    return this.bytes().toString();
  }

  texts(): string[] {
    return Array.from({ length: Math.max(0, this.int()) }, () => this.text());
  }
}
