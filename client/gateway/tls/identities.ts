import type { TLSSocket } from 'node:tls';
import type { Identity } from '@faaskeeper/protocol';
import { subjectOf } from './subject.ts';

/**
 * Who a verified client certificate says that the client is, as ZooKeeper's X509AuthenticationProvider has it; nobody
 * without one.
 *
 * @throws RangeError for a certificate whose subject cannot be read.
 */
export function certificateIdentities(socket: TLSSocket, superX509: string | undefined): Identity[] {
  if (!socket.authorized) return [];
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return [];
  const subject = subjectOf(certificate.raw);
  const identity = { scheme: 'x509', id: subject };
  return subject === superX509 ? [{ scheme: 'super', id: subject }, identity] : [identity];
}
