import {
  decode,
  JuteError,
  JuteReader,
  JuteWriter,
  read,
  readMulti,
  write,
  writeMulti,
} from '@faaskeeper/gateway/jute';

function written(body: (writer: JuteWriter) => void): Buffer {
  const writer = new JuteWriter();
  body(writer);
  return Buffer.concat(writer.take());
}

test('longs are exact at every size', () => {
  for (const value of [
    0,
    1,
    -1,
    2 ** 32,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    2n ** 62n,
    -(2n ** 63n),
    0x1000_0000_0000_0001n,
  ]) {
    const reader = new JuteReader(written((writer) => writer.long(value)));
    expect(reader.long()).toBe(value);
  }
});

test('null and empty are told apart, in strings, data and vectors', () => {
  const record = { path: null, data: new Uint8Array(0), acl: null, flags: 0 };
  const bytes = written((writer) => write.CreateRequest(writer, record));
  expect(decode('CreateRequest', bytes)).toEqual({ path: null, data: Buffer.alloc(0), acl: null, flags: 0 });
  const other = { path: '', data: null, acl: [], flags: 1 };
  expect(
    decode(
      'CreateRequest',
      written((writer) => write.CreateRequest(writer, other)),
    ),
  ).toEqual(other);
});

test('long data is sent from where it is, and frames know their length', () => {
  const data = new Uint8Array(100_000).fill(7);
  const writer = new JuteWriter();
  for (let i = 0; i < 3; i++) {
    writer.begin();
    write.SetDataRequest(writer, { path: '/ä'.repeat(i * 1_000 + 1), data, version: i });
    writer.end();
  }
  const chunks = writer.take();
  expect(chunks.filter((chunk) => chunk === data)).toHaveLength(3);
  let bytes = Buffer.concat(chunks);
  for (let i = 0; i < 3; i++) {
    const length = bytes.readInt32BE(0);
    const record = decode('SetDataRequest', bytes.subarray(4, 4 + length));
    expect(record).toMatchObject({ path: '/ä'.repeat(i * 1_000 + 1), version: i });
    expect(record.data).toHaveLength(data.length);
    bytes = bytes.subarray(4 + length);
  }
  expect([bytes.length, writer.bytes]).toEqual([0, 0]);
});

test.each([
  ['truncated', 'int', '000000'],
  ['truncated', 'ustring', '0000000541'],
  ['negative-length', 'ustring', 'fffffffe'],
  ['negative-length', 'buffer', '80000000'],
] as const)('%s: %s of %s', (problem, primitive, hex) => {
  const reader = new JuteReader(Buffer.from(hex, 'hex'));
  expect(() => reader[primitive]()).toThrow(expect.objectContaining({ name: 'JuteError', problem }));
});

test('a vector that cannot fit takes no memory', () => {
  const hex = `${'00'.repeat(8)}7fffffff`;
  expect(() => read.SetWatches(new JuteReader(Buffer.from(hex, 'hex')))).toThrow(JuteError);
});

test('a multi is bounded, and holds no other multi', () => {
  const check = { op: 'check', path: '/a', version: 1 } as const;
  const bytes = written((writer) => writeMulti(writer, Array(11).fill(check)));
  expect(readMulti(new JuteReader(bytes), 11)).toHaveLength(11);
  expect(() => readMulti(new JuteReader(bytes), 10)).toThrow(expect.objectContaining({ problem: 'too-long' }));
  const nested = Buffer.from('0000000e00ffffffff', 'hex');
  expect(() => readMulti(new JuteReader(nested), 10)).toThrow(expect.objectContaining({ problem: 'unexpected' }));
});
