import { generate } from '../../differential/generate.ts';
import { linesOf } from '../../differential/lines.ts';
import type { Note, Transcript } from '../../differential/run.ts';
import type { Fields, OperationName } from '../../support/zk-wire/index.ts';

const root = '/differential-x';
const stat = (zxid: bigint, more: Fields = {}): Fields => ({
  czxid: zxid,
  mzxid: zxid,
  pzxid: zxid,
  ctime: 5n,
  ...more,
});

function reply(op: OperationName, zxid: bigint, body: Fields = {}, err = 0): Note {
  return { kind: 'got', at: 0, what: { kind: 'reply', op, zxid, err, body } };
}
const event = (zxid: bigint, path: string): Note => ({
  kind: 'got',
  at: 0,
  what: { kind: 'event', zxid, type: 2, state: 3, path },
});
const lines = (...notes: Note[]) => linesOf({ root, notes } satisfies Transcript);

describe('two transcripts have the same lines', () => {
  test('when zxids differ but not their order', () => {
    const transcript = (zxid: bigint) =>
      lines(reply('create', zxid, { path: `${root}/a` }), reply('exists', zxid + 3n, { stat: stat(zxid) }));
    expect(transcript(10n)).toEqual(transcript(77n));
  });

  test('when the children are listed in another order', () => {
    expect(lines(reply('getChildren', 1n, { children: ['a', 'b'] }))).toEqual(
      lines(reply('getChildren', 1n, { children: ['b', 'a'] })),
    );
  });

  test('when the ephemerals of a closed session go in another order', () => {
    const closing = reply('closeSession', 9n);
    expect(lines(event(9n, '/a'), event(9n, '/b'), closing)).toEqual(lines(event(9n, '/b'), event(9n, '/a'), closing));
  });
});

describe('two transcripts have other lines', () => {
  test('when an event comes after the reply instead of before it', () => {
    const write = reply('delete', 4n);
    expect(lines(event(4n, root), write)).not.toEqual(lines(write, event(4n, root)));
  });

  test('when a write says a zxid that is not that of its change', () => {
    const transcript = (header: bigint) => lines(reply('create', 3n), reply('setData', header, { stat: stat(4n) }));
    expect(transcript(5n)).not.toEqual(transcript(4n));
  });

  test('when data are null instead of empty', () => {
    const transcript = (data: Buffer | null) => lines(reply('getData', 1n, { data }));
    expect(transcript(null)).not.toEqual(transcript(Buffer.alloc(0)));
  });

  test('when a zxid falls, or a reply shows more than its header covers', () => {
    expect(lines(reply('ping', 5n), reply('ping', 4n)).join()).toContain('ZXID FELL');
    expect(lines(reply('exists', 3n, { stat: stat(4n) })).join()).toContain('DATA AHEAD');
  });
});

test('a seed gives the same sequence every time, and another seed another one', () => {
  expect(generate(7)).toEqual(generate(7));
  expect(generate(7)).not.toEqual(generate(8));
});
