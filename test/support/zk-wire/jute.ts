/** Jute, ZooKeeper's encoding: big-endian numbers, length-prefixed strings, buffers and vectors (-1 is null). */

/** `i`nt, `l`ong, `b`ool, `s`tring, `d`ata, a record's name, or a vector `[type]`. */
export type FieldType = string;
/** Fields in the order of the wire: `path:s watch:b`. */
export type RecordTable = Readonly<Record<string, string>>;

export type Value = null | number | bigint | boolean | string | Buffer | readonly Value[] | Fields;
export interface Fields {
  readonly [field: string]: Value;
}

function* fieldsOf(definition: string): Generator<[name: string, type: FieldType]> {
  for (const field of definition.split(' ')) {
    if (field === '') continue;
    const [name, type] = field.split(':') as [string, FieldType];
    yield [name, type];
  }
}

export class JuteWriter {
  readonly #table: RecordTable;
  readonly #chunks: Buffer[] = [];

  constructor(table: RecordTable) {
    this.#table = table;
  }

  write(type: FieldType, value: Value): this {
    const put = (size: number, fill: (chunk: Buffer) => void) => {
      const chunk = Buffer.alloc(size);
      fill(chunk);
      this.#chunks.push(chunk);
    };
    if (type === 'i') put(4, (chunk) => chunk.writeInt32BE(value as number));
    else if (type === 'l') put(8, (chunk) => chunk.writeBigInt64BE(BigInt(value as bigint)));
    else if (type === 'b') put(1, (chunk) => chunk.writeUInt8(value ? 1 : 0));
    else if (value === null) this.write('i', -1);
    else if (type === 's' || type === 'd') {
      const bytes = Buffer.from(value as string);
      this.write('i', bytes.length);
      this.#chunks.push(bytes);
    } else if (type.startsWith('[')) {
      const items = value as readonly Value[];
      this.write('i', items.length);
      for (const item of items) this.write(type.slice(1, -1), item);
    } else this.record(type, value as Fields);
    return this;
  }

  record(name: string, fields: Fields): this {
    for (const [field, type] of fieldsOf(definitionOf(this.#table, name))) {
      const value = fields[field];
      if (value === undefined) throw new Error(`${name} needs ${field}`);
      this.write(type, value);
    }
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

export class JuteReader {
  readonly #table: RecordTable;
  readonly #buffer: Buffer;
  #at = 0;

  constructor(table: RecordTable, buffer: Buffer) {
    this.#table = table;
    this.#buffer = buffer;
  }

  get remaining(): number {
    return this.#buffer.length - this.#at;
  }

  int(): number {
    return this.#take(4).readInt32BE();
  }

  read(type: FieldType): Value {
    if (type === 'i') return this.int();
    if (type === 'l') return this.#take(8).readBigInt64BE();
    if (type === 'b') return this.#take(1).readUInt8() !== 0;
    if (type === 's' || type === 'd') {
      const length = this.int();
      if (length < 0) return null;
      const bytes = this.#take(length);
      return type === 's' ? bytes.toString('utf8') : bytes;
    }
    if (!type.startsWith('[')) return this.record(type);
    const count = this.int();
    return count < 0 ? null : Array.from({ length: count }, () => this.read(type.slice(1, -1)));
  }

  record(name: string): Fields {
    const fields: Record<string, Value> = {};
    for (const [field, type] of fieldsOf(definitionOf(this.#table, name))) fields[field] = this.read(type);
    return fields;
  }

  #take(size: number): Buffer {
    if (size > this.remaining) throw new Error(`a record of ${this.#buffer.length} bytes ends too early`);
    this.#at += size;
    return this.#buffer.subarray(this.#at - size, this.#at);
  }
}

function definitionOf(table: RecordTable, name: string): string {
  const definition = table[name];
  if (definition === undefined) throw new Error(`no record ${name}`);
  return definition;
}
