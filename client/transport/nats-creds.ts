import { type Authenticator, credsAuthenticator } from 'nats';

/** Text of a .creds file (JWT and seed), or where it comes from: then it is asked for at every connect. */
export type NatsCreds = string | (() => string);

/**
 * Credentials may be renewed while we run. What was read last counts while the new text cannot be had.
 *
 * @throws when there is no usable text now.
 */
export function credsOf(creds: NatsCreds): Authenticator {
  const read = typeof creds === 'string' ? () => creds : creds;
  const encoder = new TextEncoder();
  let good: Authenticator | undefined;
  const authenticate: Authenticator = (nonce) => {
    try {
      // Without the newline, the last line of what was trimmed would not be found.
      const now = credsAuthenticator(encoder.encode(`${read()}\n`));
      const answer = now(nonce);
      good = now;
      return answer;
    } catch (error) {
      if (good === undefined) throw error;
      return good(nonce);
    }
  };
  // nats.js calls it where nobody catches what it throws.
  authenticate('');
  return authenticate;
}
