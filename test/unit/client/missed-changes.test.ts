import { knownOf, missedChanges } from '../../../client/watches/events.ts';

const stat = (czxid: number, mzxid: number, pzxid: number) => ({
  czxid,
  mzxid,
  pzxid,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0,
  dataLength: 0,
  numChildren: 0,
});
const missed = (before: Parameters<typeof stat> | undefined, now: Parameters<typeof stat> | undefined, zxid = 9) =>
  missedChanges('/a', knownOf(5, before && stat(...before)), knownOf(zxid, now && stat(...now)), 8).map(
    ({ kind, zxid: at }) => `${kind}@${at}`,
  );

test.each([
  ['nothing', [1, 2, 3], [1, 2, 3], []],
  ['data', [1, 2, 3], [1, 7, 3], ['data@7']],
  ['children', [1, 2, 3], [1, 2, 8], ['children@8']],
  ['both', [1, 2, 3], [1, 7, 8], ['data@7', 'children@8']],
  ['creation', undefined, [6, 6, 6], ['created@6']],
  ['creation and more', undefined, [6, 7, 8], ['created@6', 'data@7', 'children@8']],
  ['deletion', [1, 2, 3], undefined, ['deleted@9']],
  ['deletion and creation', [1, 2, 3], [6, 6, 6], ['deleted@6', 'created@6']],
  ['still absent', undefined, undefined, []],
] as const)('what was missed is told from what is there now: %s', (_, before, now, expected) => {
  expect(missed(before && [...before], now && [...now])).toEqual(expected);
});

test('a deletion without a tombstone is dated by the watermark that named it', () => {
  expect(missed([1, 2, 3], undefined, 0)).toEqual(['deleted@8']);
});
