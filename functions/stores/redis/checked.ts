import { crc32 } from 'node:zlib';
import { DamagedError, NewerFormatError } from '@faaskeeper/protocol';

/** Of all that lies in a namespace. */
export const STORE_FORMAT = 1;
const CHECKSUM_BYTES = 4;

/** A value as it is stored: behind it the CRC-32 of its key and itself, so that damage is told. */
export function withChecksum(key: string, value: Uint8Array): Uint8Array {
  const stored = Buffer.allocUnsafe(value.length + CHECKSUM_BYTES);
  stored.set(value);
  stored.writeUInt32BE(checksum(key, value), value.length);
  return stored;
}

/** @throws DamagedError */
export function checkedValue(key: string, bytes: Uint8Array): Buffer {
  const stored = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const value = stored.subarray(0, Math.max(0, stored.length - CHECKSUM_BYTES));
  const isWhole = stored.length >= CHECKSUM_BYTES && stored.readUInt32BE(value.length) === checksum(key, value);
  if (!isWhole) throw new DamagedError(`The value of ${JSON.stringify(key)} in the system store is damaged`);
  return value;
}

function checksum(key: string, value: Uint8Array): number {
  return crc32(value, crc32(key));
}

/** What the state of a namespace carries besides: its format, and a checksum of all. */
export function stateChecksum(applied: number | string, zxid: number | string, format: number | string): number {
  return crc32(`${format} ${applied} ${zxid}`);
}

/** @throws DamagedError, NewerFormatError */
export function checkState(stored: readonly (Buffer | null)[]): { applied: number; zxid: number } {
  const [applied, zxid, format, sum] = stored.map((value) => value?.toString() ?? '') as [
    string,
    string,
    string,
    string,
  ];
  if (sum !== String(stateChecksum(applied, zxid, format)))
    throw new DamagedError('The state of the system store is damaged');
  if (Number(format) > STORE_FORMAT) {
    throw new NewerFormatError(`The system store has format ${format}, this release knows ${STORE_FORMAT}`);
  }
  return { applied: Number(applied), zxid: Number(zxid) };
}
