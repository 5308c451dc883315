import { decode } from '@faaskeeper/protocol';
import { pack } from '../../../functions/stores/redis/pack.ts';

test('what is packed is MessagePack without the types that Redis does not know', () => {
  const value = [
    'a',
    [true, false],
    'ä日本🦊',
    'x'.repeat(31),
    'x'.repeat(32),
    'x'.repeat(70_000),
    Array(20).fill('e'),
  ];
  expect(decode(pack(value))).toEqual(value);
  expect(pack(['x'.repeat(40)])[1]).toBe(0xda);
});

test('long lists and bytes are packed whole', () => {
  const long = Array.from({ length: 100_000 }, (_, i) => `key ${i}`);
  expect(decode(pack(long))).toEqual(long);
  const raw = Uint8Array.of(0xff, 0xfe, 0x00);
  expect([...pack([raw])]).toEqual([0x91, 0xa3, 0xff, 0xfe, 0x00]);
});
