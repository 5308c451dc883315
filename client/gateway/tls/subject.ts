/**
 * A certificate's subject as Java's `X500Principal.getName()` writes it (RFC 2253), which is the id that ZooKeeper's
 * x509 scheme gives: ACLs written for the one must match in the other.
 */

interface Value {
  readonly tag: number;
  /** Without tag and length. */
  readonly content: Buffer;
  /** With them. */
  readonly encoded: Buffer;
}

const TAGS = { oid: 0x06, sequence: 0x30, version: 0xa0 } as const;
/** UTF8String, PrintableString, TeletexString, IA5String, GeneralString, BMPString. */
const TEXTS: ReadonlySet<number> = new Set([0x0c, 0x13, 0x14, 0x16, 0x1b, 0x1e]);

/** The attribute types that RFC 2253 names; others are written as numbers. */
const KEYWORDS: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
]);

/** @param certificate in DER. @throws RangeError for what is no certificate. */
export function subjectOf(certificate: Uint8Array): string {
  const [whole] = valuesIn(Buffer.from(certificate.buffer, certificate.byteOffset, certificate.byteLength));
  const [signed] = valuesIn(content(whole, TAGS.sequence));
  const fields = valuesIn(content(signed, TAGS.sequence));
  // version (absent in version 1), serial number, signature, issuer, validity, subject
  const subject = fields[fields[0]?.tag === TAGS.version ? 5 : 4];
  const names = valuesIn(content(subject, TAGS.sequence));
  return names
    .reverse()
    .map((name) => valuesIn(name.content).map(attribute).join('+'))
    .join(',');
}

function attribute(value: Value): string {
  const [type, text] = valuesIn(value.content) as [Value?, Value?];
  const oid = numbers(content(type, TAGS.oid));
  if (text === undefined) throw new RangeError('An attribute without a value');
  const keyword = KEYWORDS.get(oid);
  if (keyword === undefined || !TEXTS.has(text.tag)) return `${keyword ?? oid}=#${text.encoded.toString('hex')}`;
  return `${keyword}=${escaped(text.content.toString('utf8'))}`;
}

/** Escapes what RFC 2253 does; of spaces only those at the ends. */
function escaped(text: string): string {
  const inner = text.replace(/[,=+<>#;"\\]/g, '\\$&').replaceAll('\0', '\\00');
  const lead = /^[ \r]*/.exec(inner)?.[0] ?? '';
  if (lead.length === inner.length) return lead.replace(/[ \r]/g, '\\$&');
  const trail = /[ \r]*$/.exec(inner)?.[0] ?? '';
  const middle = inner.slice(lead.length, inner.length - trail.length);
  return lead.replace(/[ \r]/g, '\\$&') + middle + trail.replace(/[ \r]/g, '\\$&');
}

function valuesIn(bytes: Buffer): Value[] {
  const values: Value[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const tag = bytes.readUInt8(at);
    let length = bytes.readUInt8(at + 1);
    at += 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      length = bytes.readUIntBE(at, size);
      at += size;
    }
    const end = at + length;
    if (end > bytes.length) throw new RangeError('A value ends too early');
    values.push({ tag, content: bytes.subarray(at, end), encoded: bytes.subarray(start, end) });
    at = end;
  }
  return values;
}

function content(value: Value | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new RangeError(`Not what a certificate has here: ${value?.tag}`);
  return value.content;
}

/** An object identifier, dotted. */
function numbers(bytes: Buffer): string {
  const parts: bigint[] = [];
  let part = 0n;
  for (const byte of bytes) {
    part = (part << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) {
      parts.push(part);
      part = 0n;
    }
  }
  const [first = 0n, ...rest] = parts;
  const top = first < 40n ? 0n : first < 80n ? 1n : 2n;
  return [top, first - top * 40n, ...rest].join('.');
}
