/**
 * - `greeting`: nothing but bytes so far: a connect request or a four-letter word.
 * - `opening`: the session is being opened or attached; nothing more is read.
 * - `connected`: requests are served.
 * - `closing`: no more requests; what is written still leaves.
 * - `closed`
 */
export type ConnectionState = 'greeting' | 'opening' | 'connected' | 'closing' | 'closed';

const NEXT: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  greeting: ['opening', 'closing', 'closed'],
  opening: ['connected', 'closing', 'closed'],
  connected: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
};

export function mayBecome(state: ConnectionState, next: ConnectionState): boolean {
  return NEXT[state].includes(next);
}
