/** FaaSKeeper's shell: zkCli's commands on an instance, at a terminal, from a script, or one at a time. */
import { COMMANDS } from './commands/index.ts';
import { describe, EXIT, exitCodeOf } from './errors.ts';
import { overview } from './help.ts';
import { runInteractive } from './interactive.ts';
import { processIo, type ShellIo, type ShellSignal } from './io.ts';
import { runOneShot } from './one-shot.ts';
import { type ParsedArguments, parseArguments } from './options.ts';
import { runScript } from './script.ts';
import { Shell } from './shell.ts';
import { SHELL_VERSION } from './version.ts';

export type { ShellClient, ShellConnect, ShellConnectOptions } from './client.ts';
export type { ShellIo } from './io.ts';

/**
 * Runs the shell: `['get', '/a']` is one command, `['shell']` and `[]` take commands from stdin, with a prompt if that
 * is a terminal. The session is closed whatever happens, also on SIGINT, SIGTERM and SIGHUP; a second signal kills.
 *
 * @returns the exit code: 0, 1 when a command failed, 2 when it could not be understood, 130 and 143 after signals.
 */
export async function runShell(argv: readonly string[], io: Partial<ShellIo> = {}): Promise<number> {
  const outside: ShellIo = { ...processIo(), ...io };
  let parsed: ParsedArguments;
  try {
    parsed = parseArguments(argv);
  } catch (error) {
    outside.stderr.write(`${describe(error).message}\n`);
    return exitCodeOf(error);
  }
  if (parsed.version) return answer(outside, SHELL_VERSION);
  if (parsed.help) return answer(outside, overview(COMMANDS));
  return runUntilSignal(parsed, outside);
}

function answer(io: ShellIo, text: string): number {
  io.stdout.write(`${text}\n`);
  return EXIT.ok;
}

const SIGNAL_CODES: Readonly<Record<ShellSignal, number>> = {
  SIGINT: EXIT.interrupted,
  SIGTERM: EXIT.terminated,
  SIGHUP: EXIT.hungUp,
};

async function runUntilSignal(parsed: ParsedArguments, io: ShellIo): Promise<number> {
  const ended = new AbortController();
  const release: (() => void)[] = [];
  let signalCode: number | undefined;
  for (const [signal, code] of Object.entries(SIGNAL_CODES) as [ShellSignal, number][]) {
    const onSignal = () => {
      signalCode = code;
      ended.abort();
      for (const undo of release) undo();
    };
    io.signals.once(signal, onSignal);
    release.push(() => io.signals.off(signal, onSignal));
  }
  // `faaskeeper ls -R / | head`: nobody reads any more, which is no failure of ours.
  const onOutputError = () => ended.abort();
  io.stdout.on('error', onOutputError);
  const shell = new Shell(io, parsed, COMMANDS);
  try {
    const exitCode = await runMode(shell, parsed.words, io, ended.signal);
    // A watch that Ctrl-C ended did what it was asked for.
    return signalCode === undefined || (exitCode === EXIT.ok && signalCode === EXIT.interrupted)
      ? exitCode
      : signalCode;
  } finally {
    await closeQuietly(shell);
    for (const undo of release) undo();
    io.stdout.off('error', onOutputError);
  }
}

function runMode(shell: Shell, words: readonly string[], io: ShellIo, ended: AbortSignal): Promise<number> {
  if (words.length > 0 && words[0] !== 'shell') return runOneShot(shell, words, ended);
  if (words.length > 1) {
    shell.writeError(`shell takes no arguments; for one command: faaskeeper ${words.slice(1).join(' ')}\n`);
    return Promise.resolve(EXIT.usage);
  }
  return io.stdin.isTTY === true ? runInteractive(shell, io, ended) : runScript(shell, io, ended);
}

/** The session's end is reported, but changes no exit code: the system ends it by itself after its timeout. */
async function closeQuietly(shell: Shell): Promise<void> {
  try {
    await shell.close();
  } catch (error) {
    shell.writeError(`The session could not be closed: ${describe(error).message}\n`);
  }
}
