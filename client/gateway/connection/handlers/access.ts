import { CODES, read, write } from '../../jute/index.ts';
import { codeOf } from '../operations.ts';
import type { Served } from '../served.ts';
import type { Call, Handler } from './handler.ts';

/** The reply to a successful one has zxid 0; a failure ends the connection. */
function auth(served: Served, call: Call): void {
  const { scheme: given, auth: secret } = read.AuthPacket(call.reader);
  const scheme = given ?? '';
  const accept = () => served.frame(call.xid, 0, 0);
  if (scheme === 'ip' || (scheme === 'x509' && served.schemes.has('x509'))) {
    served.schemes.add(scheme);
    served.replies.answer(call.slot, accept);
    return;
  }
  if (scheme !== 'digest') {
    served.fatal(call, CODES.authFailed, `authentication by ${scheme}`, 0);
    return;
  }
  // From here on: requests of the same burst count as authenticated, and are answered behind this one, or not at all.
  served.schemes.add(scheme);
  const operation = { type: 'addAuth', scheme, auth: secret ?? new Uint8Array(0) } as const;
  const adding = served.engine.write(operation, { raw: true }, (_, { error }) => {
    if (error === undefined) served.replies.answer(call.slot, accept);
    else served.fatal(call, codeOf(error), 'authentication failed', 0);
  });
  served.follow(call, adding);
}

/** Identities, and what ZooKeeper refuses. */
export const access = {
  auth,
  /** A server without SASL has nothing to say to it. */
  sasl(served, call) {
    const { zxid } = served.engine;
    served.answer(call, zxid, 0, () => write.SetSASLResponse(served.writer, { token: null }));
  },
  check: (served, call) => served.fatal(call, CODES.unimplemented, 'check outside of a multi', -1),
  reconfig: (served, call) => served.refuse(call, CODES.reconfigDisabled),
  deleteContainer: (served, call) => served.refuse(call, CODES.badArguments),
  ping: (served, call) => served.ping(call),
} as const satisfies Record<string, Handler>;
