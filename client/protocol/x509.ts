/** Attribute types that Java knows by name in a distinguished name (AVAKeyword); others are numbers. */
const KEYWORDS: ReadonlySet<string> = new Set([
  'CN',
  'C',
  'L',
  'S',
  'ST',
  'O',
  'OU',
  'T',
  'IP',
  'STREET',
  'DC',
  'DNQUALIFIER',
  'DNQ',
  'SURNAME',
  'GIVENNAME',
  'INITIALS',
  'GENERATION',
  'EMAIL',
  'EMAILADDRESS',
  'UID',
  'SERIALNUMBER',
]);
const OID = /^(OID\.)?[0-2](\.(0|[1-9]\d*))+$/i;
/** A value: quoted, hexadecimal, or plain with escapes; an escape is of a special character or of two digits. */
const VALUE =
  /^\s*("(?:[^"\\]|\\[\s\S])*"|#(?:[0-9A-Fa-f]{2})+|(?:[^,;+"\\<>#]|\\(?:[,;+"\\=<># ]|[0-9A-Fa-f]{2})|(?<=[^\s])#)*)\s*/;

/** Whether it is a distinguished name, as X509AuthenticationProvider.isValid takes it (RFC 2253 and 1779). */
export function isValidX509Id(id: string): boolean {
  let rest = id;
  if (rest === '') return true;
  for (;;) {
    const equals = rest.indexOf('=');
    if (equals < 0) return false;
    const type = rest.slice(0, equals).trim();
    if (!KEYWORDS.has(type.toUpperCase()) && !OID.test(type)) return false;
    const value = VALUE.exec(rest.slice(equals + 1))?.[0] ?? '';
    rest = rest.slice(equals + 1 + value.length);
    if (rest === '') return true;
    if (!/^[,;+]/.test(rest)) return false;
    rest = rest.slice(1);
  }
}
