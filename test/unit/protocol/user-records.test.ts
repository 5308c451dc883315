import { decodeCovered, encodeCovered, objectOfRecord, recordKeys, storageKeys } from '@faaskeeper/protocol';

const { record, state } = recordKeys('i1', 'a/b/');
const keys = storageKeys('a/b/');

test('nodes and chunks are records, those that clients may read below u:', () => {
  const digest = keys.node('/x').slice(-32);
  expect(state).toBe('fk:{i1}:u:state');
  expect(record(keys.node('/x'))).toBe(`fk:{i1}:u:n/${digest}`);
  expect(record(keys.chunk('/x', '7-ab'))).toBe(`fk:{i1}:u:c/${digest}/7-ab`);
  expect(record(keys.protectedNode('/x'))).toBe(`fk:{i1}:p:n/${digest}`);
  expect(record(keys.protectedChunk('/x', '7-ab'))).toBe(`fk:{i1}:p:c/${digest}/7-ab`);
});

test('all else is in S3', () => {
  const others = [keys.data('/x', '1'), keys.protectedData('/x', '1'), keys.watermark, keys.checkpoint];
  for (const key of [...others, keys.checkpointPart('n/'), keys.logPart('1'), storageKeys('c/').node('/x')]) {
    expect(record(key)).toBeUndefined();
  }
});

test('the state is read as it was written, followed by the count of writes', () => {
  const head = encodeCovered('0af9', { sequence: 12, zxid: 2 ** 33 });
  expect(decodeCovered(`${head} 5`)).toEqual({ epoch: '0af9', sequence: 12, zxid: 2 ** 33 });
});

test.each([
  ['missing', null],
  ['being filled', `${encodeCovered('0af9', undefined)} 3`],
  ['without its count', encodeCovered('0af9', { sequence: 1, zxid: 1 })],
  ['of another format', '2 0af9 1 1 0'],
  ['damaged', '1 0af9 1 x 0'],
])('a state that is %s covers nothing', (_, text) => {
  expect(decodeCovered(text)).toBeUndefined();
});

test('a record is an object behind a tag', () => {
  expect(Buffer.from(objectOfRecord(Buffer.from('12345678object'))).toString()).toBe('object');
});
