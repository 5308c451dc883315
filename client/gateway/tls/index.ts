/** TLS: certificates that follow their files, handshakes, and who a client certificate says that a client is. */
export { CertificateError, Certificates, CLIENT_AUTH, type ClientAuth, type TlsFiles } from './certificates.ts';
export { certificateIdentities } from './identities.ts';
export { type Refusal, TlsServer } from './server.ts';
export { subjectOf } from './subject.ts';
