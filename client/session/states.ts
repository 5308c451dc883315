import type { Emitter } from '../emitter.ts';

/**
 * - `connecting`: the session is being opened.
 * - `connected`: it is alive, and the client knows.
 * - `suspended`: the system has not answered for so long that the session may soon expire elsewhere, or the connection
 *   broke. No read is served, not even from the cache; calls wait. ZooKeeper: Disconnected.
 * - `expired`: the session is gone with its ephemeral nodes and watches.
 * - `closed`: closed by this client, or attached elsewhere.
 */
export type SessionState = 'connecting' | 'connected' | 'suspended' | 'expired' | 'closed';

export type StateEvents = { state: readonly [state: SessionState, previous: SessionState] };

export function isFinal(state: SessionState): boolean {
  return state === 'expired' || state === 'closed';
}

/** The state now and each change from now on, until the session is over. */
export async function* statesOf(
  emitter: Pick<Emitter<StateEvents>, 'on'>,
  now: () => SessionState,
): AsyncGenerator<SessionState, void, undefined> {
  const queue: SessionState[] = [now()];
  let wake: (() => void) | undefined;
  const off = emitter.on('state', (state) => {
    queue.push(state);
    wake?.();
  });
  try {
    for (;;) {
      const state = queue.shift();
      if (state === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      yield state;
      if (isFinal(state)) return;
    }
  } finally {
    off();
  }
}
