import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  JuteReader,
  JuteWriter,
  OPCODES,
  type OpName,
  type RecordName,
  read,
  readMulti,
  readMultiResults,
  write,
  writeMulti,
  writeMultiResults,
} from '@faaskeeper/gateway/jute';

interface Vector {
  readonly name: string;
  readonly from: 'client' | 'server';
  readonly op: OpName | 'connect' | 'event';
  readonly hex: string;
}

/** Frames of a real ZooKeeper 3.9.5 and of its client: see test/tools/capture-vectors.ts. */
const vectors = JSON.parse(readFileSync(join(__dirname, 'vectors.json'), 'utf8')) as Vector[];

/** Reads a record and writes it again. */
function copy(name: RecordName, reader: JuteReader, writer: JuteWriter): unknown {
  const record = read[name](reader);
  (write[name] as (to: JuteWriter, value: unknown) => void)(writer, record);
  return record;
}

function copyFrame({ from, op }: Vector, reader: JuteReader, writer: JuteWriter): void {
  if (op === 'connect') {
    copy(from === 'client' ? 'ConnectRequest' : 'ConnectResponse', reader, writer);
    return;
  }
  const header = copy(from === 'client' ? 'RequestHeader' : 'ReplyHeader', reader, writer) as { err?: number };
  if (op === 'event') copy('WatcherEvent', reader, writer);
  else if (from === 'client') {
    if (op === 'multi' || op === 'multiRead') writeMulti(writer, readMulti(reader, 100));
    else copy(OPCODES[op].request, reader, writer);
  } else if (header.err === 0) {
    const { response } = OPCODES[op];
    if (response === 'multi') writeMultiResults(writer, readMultiResults(reader));
    else copy(response, reader, writer);
  }
}

/** The format leaves open what a header of a multi says of its operations in a request: -1, as clients write it. */
test.each(vectors.map((vector) => [`${vector.from}: ${vector.name} (${vector.op})`, vector] as const))(
  '%s is read to its last byte, and written the same',
  (_, vector) => {
    const reader = new JuteReader(Buffer.from(vector.hex, 'hex'));
    const writer = new JuteWriter();
    copyFrame(vector, reader, writer);
    expect(reader.remaining).toBe(0);
    expect(Buffer.concat(writer.take()).toString('hex')).toBe(vector.hex);
  },
);

test('the vectors hold every operation', () => {
  const seen = new Set(vectors.filter(({ from }) => from === 'server').map(({ op }) => op));
  expect(Object.keys(OPCODES).filter((op) => !seen.has(op as OpName))).toEqual([]);
});
