import { randomBytes } from 'node:crypto';
import {
  DamagedError,
  decodeNodeObject,
  encodeNodeObject,
  frame,
  isValidIpId,
  MarshallingError,
  NewerFormatError,
  type NodeObject,
  permits,
  seal,
  unframe,
  unseal,
} from '@faaskeeper/protocol';

const absent: NodeObject = { state: 'absent', path: '/a', zxid: 7 };

test('a stored object survives, and any damage is told', () => {
  const bytes = encodeNodeObject(absent);
  expect(decodeNodeObject(bytes, '/a')).toEqual(absent);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 0x55;
    expect(() => decodeNodeObject(damaged, '/a')).toThrow(DamagedError);
    expect(() => decodeNodeObject(bytes.subarray(0, at), '/a')).toThrow(DamagedError);
  }
});

test('an object of another path or a newer format is refused', () => {
  expect(() => decodeNodeObject(encodeNodeObject(absent), '/b')).toThrow(DamagedError);
  expect(() => unframe(1, frame(2, absent), 'It')).toThrow(NewerFormatError);
});

test('a sealed message is for the holder of the key only', () => {
  const [key, other] = [randomBytes(32), randomBytes(32)];
  const sealed = seal(key, new Uint8Array([1, 2, 3]));
  expect([...unseal(key, sealed)]).toEqual([1, 2, 3]);
  expect(() => unseal(other, sealed)).toThrow(MarshallingError);
  expect(() => unseal(key, sealed.subarray(0, 20))).toThrow(MarshallingError);
});

test('ip ids match by prefix', () => {
  const acl = (id: string) => [{ scheme: 'ip', id, permissions: 1 }];
  const me = (id: string) => [{ scheme: 'ip', id }];
  expect(permits(acl('10.1.0.0/16'), 1, me('10.1.2.3'))).toBe(true);
  expect(permits(acl('10.1.0.0/16'), 1, me('10.2.2.3'))).toBe(false);
  expect(permits(acl('::1'), 1, me('0:0:0:0:0:0:0:1'))).toBe(true);
  expect(permits(acl('10.0.0.1'), 2, me('10.0.0.1'))).toBe(false);
  expect(['10.0.0.1', '10.0.0.0/8', '::1', 'fe80::1/64'].every(isValidIpId)).toBe(true);
  expect(['10.0.0', '10.0.0.256', '10.0.0.0/33', 'x', '1::2::3', ''].some(isValidIpId)).toBe(false);
});
