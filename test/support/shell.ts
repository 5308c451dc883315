/** Runs the shell with everything around it captured. */
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { runShell, type ShellConnect, type ShellConnectOptions, type ShellIo } from '../../client/shell/index.ts';
import { waitFor } from '../../operator/servers/index.ts';

export interface ShellRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface RunningShell {
  /** What was printed so far. */
  readonly out: () => string;
  readonly err: () => string;
  readonly done: Promise<ShellRun>;
  /** Types text as a user would, or writes it to a script's stdin. */
  type(text: string): void;
  endInput(): void;
  signal(name: 'SIGINT' | 'SIGTERM'): void;
  /** Waits until stdout holds the text (or fits the pattern) beyond what was there at `since`. */
  printed(wanted: string | RegExp, since?: number): Promise<void>;
}

export interface ShellRunOptions {
  readonly connect: ShellConnect;
  /** stdin is a terminal. */
  readonly terminal?: boolean;
  readonly historyFile?: string;
}

/** Starts a shell; it never touches the process's own streams, signals or history file. */
export function startShell(argv: readonly string[], options: ShellRunOptions): RunningShell {
  const stdin = Object.assign(new PassThrough(), { isTTY: options.terminal === true });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const signals = new EventEmitter();
  let [out, err] = ['', ''];
  stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const io: ShellIo = { stdin, stdout, stderr, signals, historyFile: options.historyFile, connect: options.connect };
  const done = runShell(argv, io).then(async (exitCode) => {
    // The streams hand over what was written in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    return { exitCode, out, err };
  });
  return {
    out: () => out,
    err: () => err,
    done,
    type: (text) => void stdin.write(text),
    endInput: () => void stdin.end(),
    signal: (name) => void signals.emit(name),
    printed: (wanted, since = 0) =>
      waitFor(
        async () => {
          const text = out.slice(since);
          if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) return;
          throw new Error(`${wanted} was not printed, but: ${text} ${err}`);
        },
        { timeoutMs: 10_000 },
      ),
  };
}

/** One command, or with `input` a script. */
export async function shellRun(
  argv: readonly string[],
  options: ShellRunOptions & { readonly input?: string },
): Promise<ShellRun> {
  const shell = startShell(argv, options);
  if (options.input !== undefined) shell.type(options.input);
  shell.endInput();
  return shell.done;
}

export type { ShellConnectOptions };
