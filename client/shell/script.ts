import { createInterface } from 'node:readline';
import { EXIT } from './errors.ts';
import type { ShellIo } from './io.ts';
import type { Shell } from './shell.ts';

/**
 * Commands from stdin, one a line; blank lines and those that begin with # are skipped. All of them run; the exit code
 * is the highest that any deserved.
 */
export async function runScript(shell: Shell, io: ShellIo, ended: AbortSignal): Promise<number> {
  const reader = createInterface({ input: io.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  const stop = () => reader.close();
  ended.addEventListener('abort', stop, { once: true });
  let exitCode: number = EXIT.ok;
  try {
    for await (const line of reader) {
      if (ended.aborted) break;
      const text = line.trim();
      if (text === '' || text.startsWith('#')) continue;
      exitCode = Math.max(exitCode, await shell.runLine(text, ended));
      if (shell.leaving) break;
    }
  } finally {
    ended.removeEventListener('abort', stop);
    reader.close();
  }
  return exitCode;
}
