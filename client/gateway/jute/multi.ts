import { read, write } from './compile.ts';
import { JuteError } from './errors.ts';
import { OPCODES, type OpName, opName } from './opcodes.ts';
import type { JuteReader } from './reader.ts';
import type { JuteRecord } from './records.ts';
import type { JuteWriter } from './writer.ts';

const PARTS = [
  'create',
  'create2',
  'createContainer',
  'createTTL',
  'delete',
  'setData',
  'check',
  'getData',
  'getChildren',
] as const satisfies readonly OpName[];
export type PartName = (typeof PARTS)[number];

/** One operation of a multi. */
export type Part = {
  [Name in PartName]: { readonly op: Name } & JuteRecord<(typeof OPCODES)[Name]['request']>;
}[PartName];

/** What one operation of a multi came to. */
export type PartResult =
  | { readonly op: 'error'; readonly err: number }
  | { [Name in PartName]: { readonly op: Name } & JuteRecord<(typeof OPCODES)[Name]['response']> }[PartName];

function isPart(name: OpName | undefined): name is PartName {
  return (PARTS as readonly (OpName | undefined)[]).includes(name);
}

/** @throws JuteError for what no multi may hold, or more than `most` operations. */
export function readMulti(reader: JuteReader, most: number): Part[] {
  const parts: Part[] = [];
  for (;;) {
    const { type, done } = read.MultiHeader(reader);
    if (done) return parts;
    const op = opName(type);
    if (!isPart(op)) throw new JuteError('unexpected', `A multi cannot hold an operation of type ${type}`);
    if (parts.length >= most) throw new JuteError('too-long', `A multi of more than ${most} operations`);
    const record = read[OPCODES[op].request](reader);
    parts.push({ op, ...record } as Part);
  }
}

const END = { type: -1, done: true, err: -1 } as const;

export function writeMultiResults(writer: JuteWriter, results: readonly PartResult[]): void {
  for (const result of results) {
    if (result.op === 'error') {
      write.MultiHeader(writer, { type: -1, done: false, err: result.err });
      writer.int(result.err);
      continue;
    }
    const { code, response } = OPCODES[result.op];
    write.MultiHeader(writer, { type: code, done: false, err: 0 });
    (write[response] as (writer: JuteWriter, record: unknown) => void)(writer, result);
  }
  write.MultiHeader(writer, END);
}

/** The client's side: for tests and tools. @throws JuteError */
export function readMultiResults(reader: JuteReader): PartResult[] {
  const results: PartResult[] = [];
  for (;;) {
    const { type, done, err } = read.MultiHeader(reader);
    if (done) return results;
    if (type === -1) {
      reader.int();
      results.push({ op: 'error', err });
      continue;
    }
    const op = opName(type);
    if (!isPart(op)) throw new JuteError('unexpected', `A result of type ${type}`);
    const record = read[OPCODES[op].response](reader);
    results.push({ op, ...record } as PartResult);
  }
}

export function writeMulti(writer: JuteWriter, parts: readonly Part[]): void {
  for (const part of parts) {
    const { code, request } = OPCODES[part.op];
    write.MultiHeader(writer, { type: code, done: false, err: -1 });
    (write[request] as (writer: JuteWriter, record: unknown) => void)(writer, part);
  }
  write.MultiHeader(writer, END);
}
