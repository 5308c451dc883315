export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | null | undefined): string | undefined =>
  value === null || value === undefined ? undefined : new TextDecoder().decode(value);
/** Bytes that are no text in any encoding. */
export const binary = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) % 256);
