/** What a script can be handed as one argument. */
export type Packable = boolean | string | Uint8Array | readonly Packable[];

const INITIAL_BYTES = 16 * 1024;

/**
 * MessagePack as Redis' cmsgpack reads it: strings and bytes alike become raw values (it knows neither the format's
 * bin types nor str8). In Lua both are strings.
 */
export function pack(value: Packable): Buffer {
  const writer = new Writer();
  writer.any(value);
  return writer.done();
}

class Writer {
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;

  any(value: Packable): void {
    if (typeof value === 'string') this.#string(value);
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2);
    else if (value instanceof Uint8Array) this.#bytes(value);
    else {
      const items = value as readonly Packable[];
      this.#head(items.length, 0x90, 16, 0xdc);
      for (const item of items) this.any(item);
    }
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #string(value: string): void {
    const length = Buffer.byteLength(value);
    this.#head(length, 0xa0, 32, 0xda);
    this.#room(length);
    this.#length += this.#buffer.write(value, this.#length);
  }

  #bytes(value: Uint8Array): void {
    this.#head(value.length, 0xa0, 32, 0xda);
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** A length: within the first byte below `inline`, else in two or four bytes (types `wide` and `wide` + 1). */
  #head(length: number, base: number, inline: number, wide: number): void {
    if (length < inline) {
      this.#byte(base + length);
      return;
    }
    this.#room(5);
    if (length <= 0xffff) {
      this.#buffer[this.#length] = wide;
      this.#length = this.#buffer.writeUInt16BE(length, this.#length + 1);
    } else {
      this.#buffer[this.#length] = wide + 1;
      this.#length = this.#buffer.writeUInt32BE(length, this.#length + 1);
    }
  }

  #byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = value;
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
