import { isFinal } from '../session/states.ts';
import { EXIT } from './errors.ts';
import type { Shell } from './shell.ts';

/**
 * One command. If it has set a watch, the command goes on: until the event of a one-shot watch, until Ctrl-C for a
 * persistent one, at most until the session is over.
 */
export async function runOneShot(shell: Shell, words: readonly string[], ended: AbortSignal): Promise<number> {
  const over = new AbortController();
  let heard = false;
  shell.onEvent = () => {
    heard = true;
    if (shell.awaited === 'one') over.abort();
  };
  shell.onState = (state) => {
    if (isFinal(state)) over.abort();
  };
  const exitCode = await shell.runWords(words, ended);
  if (exitCode !== EXIT.ok || shell.awaited === 'nothing') return exitCode;
  if (shell.awaited === 'one' && heard) return exitCode;
  await aborted(AbortSignal.any([over.signal, ended]));
  if (ended.aborted) return shell.awaited === 'all' ? EXIT.ok : EXIT.interrupted;
  return heard || shell.state === 'connected' ? EXIT.ok : EXIT.failed;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    // A pending promise keeps no process alive; this timer does.
    const alive = setInterval(() => undefined, 60_000);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(alive);
        resolve();
      },
      { once: true },
    );
  });
}
