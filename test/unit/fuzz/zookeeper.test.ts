import { decode, JuteError, JuteReader, RECORDS, type RecordName, readMulti } from '@faaskeeper/gateway/jute';
import { FrameReader } from '../../../client/gateway/connection/frames.ts';
import { fuzz, onlyThrows } from '../../support/fuzz.ts';

test('records of any bytes are read, or refused as such', async () => {
  const records = Object.keys(RECORDS) as RecordName[];
  await fuzz(3_000, (random) => {
    const bytes = Buffer.from(random.bytes(120));
    onlyThrows(() => decode(random.pick(records), bytes), JuteError.name);
    onlyThrows(() => readMulti(new JuteReader(bytes), 100), JuteError.name);
  });
});

test('a stream cut anywhere gives the same frames, or is refused for a length that cannot be', async () => {
  await fuzz(500, (random) => {
    const frames = Array.from({ length: 1 + random.int(4) }, () => Buffer.from(random.bytes(40)));
    const stream = Buffer.concat(
      frames.flatMap((frame) => {
        const length = Buffer.alloc(4);
        length.writeInt32BE(frame.length);
        return [length, frame];
      }),
    );
    const cut = new FrameReader(100);
    const found: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const piece = 1 + random.int(9);
      cut.push(stream.subarray(at, at + piece));
      at += piece;
      for (let next = cut.next(); next !== undefined; next = cut.next()) found.push(next);
    }
    expect(Buffer.concat(found)).toEqual(Buffer.concat(frames));
    const hostile = new FrameReader(100);
    hostile.push(Buffer.from(random.mutated(stream)));
    onlyThrows(() => {
      while (hostile.next() !== undefined);
    }, JuteError.name);
  });
});
