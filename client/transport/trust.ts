import * as tls from 'node:tls';

/** The certificates that are trusted anyway, and these (PEM). */
export function trusting(ca: string): string {
  // Since Node 22.15: with NODE_EXTRA_CA_CERTS and the system's, where they are in use.
  const { getCACertificates, rootCertificates } = tls as typeof tls & {
    getCACertificates?: (type: 'default') => string[];
  };
  return [...(getCACertificates?.('default') ?? rootCertificates), ca].join('\n');
}
