import { JuteReader } from './reader.ts';
import { type JuteRecord, RECORDS, type RecordName } from './records.ts';
import type { JuteWriter } from './writer.ts';

export type Readers = { readonly [Name in RecordName]: (reader: JuteReader) => JuteRecord<Name> };
export type Writers = { readonly [Name in RecordName]: (writer: JuteWriter, record: JuteRecord<Name>) => void };

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

const PRIMITIVES = new Set(['int', 'long', 'bool', 'ustring', 'buffer']);
const LEAST_BYTES: Readonly<Record<string, number>> = { int: 4, long: 8, bool: 1, ustring: 4, buffer: 4 };

/** A record takes at least so many bytes. */
function leastBytes(type: string, table: Table): number {
  const known = LEAST_BYTES[type];
  if (known !== undefined) return known;
  if (type.startsWith('vector<')) return 4;
  if (type.endsWith('?')) return 0;
  return Object.values(table[type] ?? {}).reduce((sum, field) => sum + leastBytes(field, table), 0);
}

function readExpression(type: string, table: Table): string {
  if (PRIMITIVES.has(type)) return `r.${type}()`;
  const element = /^vector<(.+)>$/.exec(type)?.[1];
  if (element !== undefined) {
    return `r.vector(() => ${readExpression(element, table)}, ${Math.max(1, leastBytes(element, table))})`;
  }
  if (!(type in table)) throw new Error(`There is no record ${type}`);
  return `read.${type}(r)`;
}

function writeStatement(type: string, value: string, table: Table): string {
  if (PRIMITIVES.has(type)) return `w.${type}(${value})`;
  const element = /^vector<(.+)>$/.exec(type)?.[1];
  if (element !== undefined) return `w.vector(${value}, (e) => ${writeStatement(element, 'e', table)})`;
  if (!(type in table)) throw new Error(`There is no record ${type}`);
  return `write.${type}(w, ${value})`;
}

function readerSource(name: string, table: Table): string {
  const fields = Object.entries(table[name] ?? {});
  const plain = fields.filter(([, type]) => !type.endsWith('?'));
  const optional = fields.filter(([, type]) => type.endsWith('?'));
  const made = plain.map(([field, type]) => `${field}: ${readExpression(type, table)}`).join(', ');
  const rest = optional.map(
    ([field, type]) => `if (r.remaining > 0) v.${field} = ${readExpression(type.slice(0, -1), table)};`,
  );
  return `(r) => { const v = { ${made} }; ${rest.join(' ')} return v; }`;
}

function writerSource(name: string, table: Table): string {
  const statements = Object.entries(table[name] ?? {}).map(([field, type]) => {
    if (!type.endsWith('?')) return `${writeStatement(type, `v.${field}`, table)};`;
    return `if (v.${field} !== undefined) ${writeStatement(type.slice(0, -1), `v.${field}`, table)};`;
  });
  return `(w, v) => { ${statements.join(' ')} }`;
}

/** One function a record, from sources that only the table above enters: as fast as if written by hand. */
function compile(kind: 'read' | 'write', source: (name: string, table: Table) => string): unknown {
  const members = Object.keys(RECORDS).map((name) => `${kind}.${name} = ${source(name, RECORDS)};`);
  return new Function(`'use strict'; const ${kind} = {}; ${members.join('\n')} return ${kind};`)();
}

export const read = compile('read', readerSource) as Readers;
export const write = compile('write', writerSource) as Writers;

/** @throws JuteError */
export function decode<Name extends RecordName>(name: Name, bytes: Buffer): JuteRecord<Name> {
  return read[name](new JuteReader(bytes)) as JuteRecord<Name>;
}
