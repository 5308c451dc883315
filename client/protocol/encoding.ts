import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Packr, RESET_BUFFER_MODE } from 'msgpackr';
import type { BaseIssue, BaseSchema } from 'valibot';
import { custom, safeParse } from 'valibot';
import { DamagedError, type ErrorContext, MarshallingError, NewerFormatError } from './errors.ts';

/** Schema for binary fields. */
export const bytesSchema = custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be binary');

const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  encodeUndefinedAsNil: true,
  int64AsType: 'number',
});

/**
 * MessagePack; the result is the caller's own, and no larger than it must be. The packer would hand out parts of buffers
 * of four times the size of its largest message: who keeps a small part keeps them, and they are much to collect.
 */
export function encode(value: unknown): Uint8Array {
  return Buffer.from(packed(value));
}

/** In the packer's own buffer: the next message overwrites it. */
function packed(value: unknown): Uint8Array {
  return packr.pack(value, RESET_BUFFER_MODE);
}

/** @throws MarshallingError when the bytes are not MessagePack. */
export function decode(bytes: Uint8Array, what = 'message'): unknown {
  try {
    return packr.unpack(bytes);
  } catch (cause) {
    throw new MarshallingError(`A ${what} of ${bytes.length} bytes is not MessagePack`, { cause });
  }
}

/**
 * Decodes and validates a message from outside.
 *
 * @throws MarshallingError naming the field that does not fit.
 */
export function decodeAs<T>(schema: BaseSchema<unknown, T, BaseIssue<unknown>>, bytes: Uint8Array, what: string): T {
  return validate(schema, decode(bytes, what), what);
}

/** @throws MarshallingError naming the field that does not fit. */
export function validate<T>(schema: BaseSchema<unknown, T, BaseIssue<unknown>>, value: unknown, what: string): T {
  const result = safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const where = issue.path?.map((item) => String(item.key)).join('.') ?? 'value';
  throw new MarshallingError(`A ${what} is not valid at ${where}: ${issue.message}`);
}

const MAGIC = 0x464b;
const HEADER_BYTES = 8;
/** Magic, version and a zero: covered by the checksum, as the body is. */
const CHECKED_HEADER_BYTES = 4;

/**
 * Wraps a stored object: two bytes of magic, a format version, a zero, CRC-32 of these and the body. A truncated, corrupt
 * or newer object is thus told from a good one before anything of it is believed. The header is the same in all versions.
 */
export function frame(version: number, value: unknown): Uint8Array {
  const body = packed(value);
  const framed = new Uint8Array(HEADER_BYTES + body.length);
  const view = new DataView(framed.buffer);
  view.setUint16(0, MAGIC);
  view.setUint8(2, version);
  view.setUint32(4, checksum(framed, body));
  framed.set(body, HEADER_BYTES);
  return framed;
}

function checksum(framed: Uint8Array, body: Uint8Array): number {
  return crc32(body, crc32(framed.subarray(0, CHECKED_HEADER_BYTES)));
}

/**
 * @throws DamagedError when the object is truncated or corrupt; NewerFormatError when it is whole, but of a version above
 * `newest`. Both name `what`.
 */
export function unframe(
  newest: number,
  bytes: Uint8Array,
  what: string,
  context: ErrorContext = {},
): { version: number; value: unknown } {
  const damaged = (how: string, cause?: unknown) => new DamagedError(`${what} is ${how}`, { ...context, cause });
  if (bytes.length < HEADER_BYTES) throw damaged(`truncated: ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint16(0) !== MAGIC) throw damaged('not an object of FaaSKeeper');
  const body = bytes.subarray(HEADER_BYTES);
  if (checksum(bytes, body) !== view.getUint32(4)) throw damaged('corrupt: its checksum does not match');
  const version = view.getUint8(2);
  if (version > newest) {
    throw new NewerFormatError(`${what} has format ${version}, this release knows ${newest}`, context);
  }
  try {
    return { version, value: decode(body, what) };
  } catch (cause) {
    throw damaged('corrupt: it is not MessagePack', cause);
  }
}

/** As unframe; an object that does not fit the schema is damaged as well. */
export function unframeAs<T>(
  schema: BaseSchema<unknown, T, BaseIssue<unknown>>,
  newest: number,
  bytes: Uint8Array,
  what: string,
  context: ErrorContext = {},
): T {
  const { value } = unframe(newest, bytes, what, context);
  try {
    return validate(schema, value, what);
  } catch (cause) {
    throw new DamagedError(`${what} does not hold what it should`, { ...context, cause });
  }
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const POOL_BYTES = NONCE_BYTES * 512;
let pool = Buffer.alloc(0);

/** Random bytes drawn in bulk: one call of the generator serves many messages. */
function freshNonce(): Uint8Array {
  if (pool.length < NONCE_BYTES) pool = randomBytes(POOL_BYTES);
  const nonce = pool.subarray(0, NONCE_BYTES);
  pool = pool.subarray(NONCE_BYTES);
  return nonce;
}

const prepared = new WeakMap<Uint8Array, KeyObject>();

/** Each use of raw bytes as a key costs more than the encryption of a reply. */
function prepare(key: Uint8Array): KeyObject {
  const known = prepared.get(key);
  if (known !== undefined) return known;
  const made = createSecretKey(key);
  prepared.set(key, made);
  return made;
}

/** AES-256-GCM under a session's key: other sessions of the instance may hear a reply, not read it. */
export function seal(key: Uint8Array, message: Uint8Array): Uint8Array {
  const nonce = freshNonce();
  const cipher = createCipheriv('aes-256-gcm', prepare(key), nonce);
  const body = cipher.update(message);
  cipher.final();
  return Buffer.concat([nonce, body, cipher.getAuthTag()]);
}

/** @throws MarshallingError when the message was not sealed with this key. */
export function unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new MarshallingError('A sealed reply is truncated');
  const decipher = createDecipheriv('aes-256-gcm', prepare(key), sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    const body = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
    decipher.final();
    return body;
  } catch (cause) {
    throw new MarshallingError('A reply is not sealed with the key of this session', { cause });
  }
}
