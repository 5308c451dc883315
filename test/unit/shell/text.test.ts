import { formatAcl, parseAcl } from '../../../client/shell/acl-text.ts';
import { formatEvent, formatStat, formatTime, hexDump, jsonData } from '../../../client/shell/format.ts';
import { quoteWord, splitLine } from '../../../client/shell/words.ts';

describe('arguments of a line', () => {
  test.each([
    ['get /a', ['get', '/a']],
    ['  set\t/a   "hello world" ', ['set', '/a', 'hello world']],
    [`create '/q s' 'a "b"'`, ['create', '/q s', 'a "b"']],
    ['set /a ""', ['set', '/a', '']],
    [String.raw`set /a "say \"hi\" \n"`, ['set', '/a', String.raw`say "hi" \n`]],
    [String.raw`set /a two\ words`, ['set', '/a', 'two words']],
    ['set /a pre"in side"post', ['set', '/a', 'prein sidepost']],
  ])('%s', (line, words) => {
    expect(splitLine(line)).toEqual(words);
  });

  test('an open quote is refused', () => {
    expect(() => splitLine('get "/a')).toThrow('A quote is not closed.');
  });

  test('what is quoted comes back', () => {
    for (const text of ['/a', '', 'a b', `"'\\`, 'ü ü']) expect(splitLine(quoteWord(text))).toEqual([text]);
  });
});

describe('ACLs', () => {
  test('are read and printed as zkCli does', () => {
    const acl = parseAcl('world:anyone:cdrwa,digest:u:ha+sh=:rw');
    expect(acl).toEqual([
      { scheme: 'world', id: 'anyone', permissions: 31 },
      { scheme: 'digest', id: 'u:ha+sh=', permissions: 3 },
    ]);
    expect(formatAcl(acl)).toBe(`'world,'anyone\n: cdrwa\n'digest,'u:ha+sh=\n: rw`);
  });

  test('an empty id is allowed: auth::cdrwa', () => {
    expect(parseAcl('auth::cdrwa')).toEqual([{ scheme: 'auth', id: '', permissions: 31 }]);
  });

  test.each(['foo', 'world:anyone', 'world:anyone:x', ''])('%p is refused', (text) => {
    expect(() => parseAcl(text)).toThrow(/form scheme:id:perm|Unknown perm type/);
  });
});

describe('formats', () => {
  test('a Stat has the eleven lines of zkCli', () => {
    const time = new Date(2026, 10, 3, 0, 2, 1).getTime();
    const stat = {
      czxid: 2,
      mzxid: 10,
      pzxid: 255,
      ctime: time,
      mtime: time,
      version: 1,
      cversion: 2,
      aversion: 3,
      ephemeralOwner: 0x1000026b9eb0000,
      dataLength: 5,
      numChildren: 4,
    };
    expect(formatStat(stat).split('\n')).toEqual([
      'cZxid = 0x2',
      expect.stringMatching(/^ctime = Tue Nov 03 00:02:01 \S+ 2026$/),
      'mZxid = 0xa',
      `mtime = ${formatTime(time)}`,
      'pZxid = 0xff',
      'cversion = 2',
      'dataVersion = 1',
      'aclVersion = 3',
      'ephemeralOwner = 0x1000026b9eb0000',
      'dataLength = 5',
      'numChildren = 4',
    ]);
  });

  test('a hex dump is that of zkCli', () => {
    expect(hexDump(Buffer.from('hello world, text ü!')).split('\n')).toEqual([
      '         +-------------------------------------------------+',
      '         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |',
      '+--------+-------------------------------------------------+----------------+',
      '|00000000| 68 65 6c 6c 6f 20 77 6f 72 6c 64 2c 20 74 65 78 |hello world, tex|',
      '|00000010| 74 20 c3 bc 21                                  |t ..!           |',
      '+--------+-------------------------------------------------+----------------+',
    ]);
  });

  test('data in JSON is text, base64 when it is no UTF-8, or null', () => {
    expect(jsonData(Buffer.from('grüße'))).toBe('grüße');
    expect(jsonData(Buffer.from([0xff, 0xfe]))).toEqual({ base64: '//4=' });
    expect(jsonData(new Uint8Array())).toBe('');
    expect(jsonData(null)).toBeNull();
  });

  test("an event is Java's WatchedEvent", () => {
    const event = { type: 'NodeDataChanged', path: '/a', zxid: 13, state: 'connected' } as const;
    expect(formatEvent(event)).toBe('WatchedEvent state:SyncConnected type:NodeDataChanged path:/a zxid: 13');
  });
});
