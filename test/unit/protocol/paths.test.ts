import {
  ancestors,
  childPath,
  decodeWatermarkEntries,
  encodeWatermarkEntries,
  feedDigest,
  isWithin,
  nodeName,
  parentPath,
  pathProblem,
  sequenceSuffix,
  subjects,
} from '@faaskeeper/protocol';

test.each(['', 'a', '/a/', '//', '/a//b', '/.', '/a/../b', '/\u0000', '/a\u0001', '/\u007f', '/\ud800', '/\ufff0'])(
  'refuses the path %j',
  (path) => expect(pathProblem(path)).toBeDefined(),
);

test.each(['/', '/a', '/a/b', '/a b', '/ä', '/...', '/.a', '/a.b', '/zookeeper', '/💡'.slice(0, 1)])(
  'takes the path %j',
  (path) => expect(pathProblem(path)).toBeUndefined(),
);

test('parents, names and ancestors', () => {
  expect([parentPath('/a'), parentPath('/a/b'), parentPath('/')]).toEqual(['/', '/a', '/']);
  expect([nodeName('/a/b'), childPath('/', 'x'), childPath('/a', 'x')]).toEqual(['b', '/x', '/a/x']);
  expect(ancestors('/a/b/c')).toEqual(['/a/b', '/a', '/']);
  expect([isWithin('/ab', '/a'), isWithin('/a/b', '/a'), isWithin('/x', '/')]).toEqual([false, true, true]);
  expect([sequenceSuffix(7), sequenceSuffix(-7), sequenceSuffix(2_147_483_647)]).toEqual([
    '0000000007',
    '-000000007',
    '2147483647',
  ]);
});

test('change subjects escape what NATS treats specially, so that distinct paths have distinct subjects', () => {
  const { change, changesBelow } = subjects('i');
  expect(change('/')).toBe('fk.i.out.c');
  expect(change('/a/b')).toBe('fk.i.out.c.a.b');
  expect(changesBelow('/a')).toBe('fk.i.out.c.a.>');
  const odd = ['/a.b', '/a/b', '/a*b', '/a>b', '/a b', '/a%b', '/a%2eb', '/ä', '/a~b', '/A'];
  const made = odd.map((path) => change(path));
  expect(new Set(made).size).toBe(odd.length);
  for (const subject of made) expect(subject).toMatch(/^fk\.i\.out\.c(\.[!-)+\--=?-~]+)+$/);
  expect(change(`/${'x'.repeat(3_000)}`)).toBeUndefined();
});

test('watermark entries survive the wire, subtree digests differ from path digests', () => {
  const entries = new Map([
    [feedDigest('/a'), 5],
    [feedDigest('/a', true), 2 ** 40],
  ]);
  expect(decodeWatermarkEntries(encodeWatermarkEntries(entries))).toEqual(entries);
  expect(feedDigest('/a')).not.toBe(feedDigest('/a', true));
});
