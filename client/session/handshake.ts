import {
  encode,
  type Identity,
  OperationTimeoutError,
  type RequestMessage,
  type SessionOpened,
  type SessionRefused,
  subjects,
} from '@faaskeeper/protocol';
import { DEFAULTS } from '../defaults.ts';
import type { Outside, Timer } from '../ports.ts';
import { Deferred } from '../waiting.ts';
import { Link } from './link.ts';

export interface Credentials {
  readonly id: number;
  readonly password: Uint8Array;
}

export interface Attachment {
  readonly link: Link;
  readonly answer: SessionOpened | SessionRefused;
}

export interface HandshakeOptions {
  readonly instance: string;
  /** Wanted session timeout, ms. */
  readonly timeout: number;
  /** Re-attach; a new session without. */
  readonly session?: Credentials | undefined;
  /** The nonce of this client's first attachment to the session, if there was one. */
  readonly holder?: Uint8Array | undefined;
  /**
   * Who the holder's connection is known to be, for a gateway that vouches for it: asks as the system, which only its
   * own user may. It replaces what the session was authenticated as.
   */
  readonly identities?: readonly Identity[] | undefined;
  /** Gives up after so long, ms. */
  readonly patience: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a session or attaches to one: subscribes first, then asks until there is an answer. Repetitions carry the same
 * nonce, so that they cannot open two.
 */
export async function handshake(outside: Outside, options: HandshakeOptions): Promise<Attachment> {
  const { clock, messaging, random, mailbox } = outside;
  const link = new Link(outside, options.instance);
  const { identities, instance, session } = options;
  const asked = requestFor(link, options);
  const trusted = { ...(identities && { identities }), ...(mailbox && { mailbox: mailbox.secret }) };
  const payload = encode({ ...asked, ...trusted });
  const { request, systemRequest } = subjects(instance);
  const subject = Object.keys(trusted).length === 0 ? request(session?.id ?? 'new') : systemRequest;
  const answer = new Deferred<SessionOpened | SessionRefused>();
  let timer: Timer | undefined;
  let delay: number = DEFAULTS.resendFirst;
  link.handler = (message) => {
    if (message.type === 'opened' || message.type === 'refused') answer.resolve(message);
  };
  const send = () => {
    if (messaging.connected) {
      link.since ??= clock.now();
      messaging.publish(subject, payload);
    }
    timer = clock.timer(delay * (0.75 + random.fraction() / 2), send);
    delay = Math.min(delay * 2, DEFAULTS.resendMax);
  };
  send();
  answer.limit(clock, { signal: options.signal, timeout: options.patience });
  try {
    const received = await answer.promise;
    if (received.type === 'refused') link.close();
    return { link, answer: received };
  } catch (error) {
    link.close();
    if (!(error instanceof OperationTimeoutError)) throw error;
    throw new OperationTimeoutError(`The system did not open a session within ${options.patience} ms`, {
      instance: options.instance,
      cause: error,
    });
  } finally {
    timer?.cancel();
  }
}

function requestFor(link: Link, { session, holder, timeout }: HandshakeOptions): RequestMessage {
  const { nonce, key } = link;
  if (session === undefined) return { type: 'createSession', nonce, key, timeout };
  const { id, password } = session;
  return { type: 'attach', session: id, password, nonce, key, timeout, ...(holder && { holder }) };
}
