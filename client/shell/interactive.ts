import { clearLine, cursorTo } from 'node:readline';
import { createInterface, type Interface } from 'node:readline/promises';
import type { Writable } from 'node:stream';
import { BOUNDS } from './bounds.ts';
import { complete, type ListChildren } from './completion.ts';
import { describe, EXIT } from './errors.ts';
import { formatStateEvent, promptState } from './format.ts';
import { mayBeKept, readHistory, writeHistory } from './history-file.ts';
import type { ShellIo } from './io.ts';
import type { Shell } from './shell.ts';

/** The shell at a terminal: prompt, Tab, history; Ctrl-C ends a command, Ctrl-D or quit the shell. */
export async function runInteractive(shell: Shell, io: ShellIo, ended: AbortSignal): Promise<number> {
  const file = shell.options.history ? io.historyFile : undefined;
  const kept = file === undefined ? [] : await readHistory(file);
  const terminal = createInterface({
    input: io.stdin,
    output: io.stdout,
    terminal: true,
    history: [...kept].reverse(),
    historySize: BOUNDS.historyLines,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(line, shell.commands, childrenOf(shell)),
  });
  // The iterator comes before anything that waits: lines that arrive earlier would be lost.
  const lines = terminal[Symbol.asyncIterator]();
  const screen = new Screen(shell, terminal, io.stdout as Writable);
  const leave = () => terminal.close();
  ended.addEventListener('abort', leave, { once: true });
  if (ended.aborted) leave();
  try {
    screen.writeAbove(`Welcome to FaaSKeeper! Type help for the list of commands.\n`);
    await screen.run((signal) => openFirst(shell, signal));
    for (screen.prompt(); ; screen.prompt()) {
      const { value: line, done } = await lines.next();
      if (done === true) break;
      const text = line.trim();
      if (text === '') continue;
      if (mayBeKept(text, shell.commands)) kept.push(text);
      await screen.run((signal) => shell.runLine(text, signal));
      if (shell.leaving || ended.aborted) break;
    }
  } finally {
    ended.removeEventListener('abort', leave);
    screen.close();
    terminal.close();
    if (file !== undefined) await saveHistory(shell, file, kept);
  }
  return EXIT.ok;
}

/** A session from the start, as zkCli has it; without one the shell still explains itself and tries again. */
async function openFirst(shell: Shell, signal: AbortSignal): Promise<void> {
  try {
    await shell.open(signal);
  } catch (error) {
    if (!signal.aborted) shell.writeError(`${describe(error).message}\n`);
  }
}

async function saveHistory(shell: Shell, file: string, lines: readonly string[]): Promise<void> {
  try {
    await writeHistory(file, lines);
  } catch (error) {
    shell.writeError(`The history could not be kept in ${file}: ${describe(error).message}\n`);
  }
}

function childrenOf(shell: Shell): ListChildren {
  return async (path) => {
    const client = shell.connectedClient;
    if (client === undefined) return [];
    try {
      return (await client.getChildren2(path, { timeout: BOUNDS.completionTimeout })).children;
    } catch {
      return []; // There is nothing to complete below a node that cannot be read.
    }
  };
}

/** Draws output that comes while a line is being typed above that line. */
class Screen {
  readonly #shell: Shell;
  readonly #terminal: Interface;
  readonly #output: Writable;
  #running: AbortController | undefined;
  #closed = false;
  /** The prompt stands, and a line is being typed. */
  #prompting = false;

  constructor(shell: Shell, terminal: Interface, output: Writable) {
    this.#shell = shell;
    this.#terminal = terminal;
    this.#output = output;
    shell.write = (text) => this.writeAbove(text);
    const { writeError } = shell;
    shell.writeError = (text) => this.#above(() => writeError(text));
    shell.onState = (state) => {
      if (shell.printsWatches) this.writeAbove(`\nWATCHER::\n\n${formatStateEvent(state)}\n`);
    };
    terminal.on('SIGINT', () => this.#interrupt());
    terminal.on('line', () => {
      this.#prompting = false;
    });
    terminal.on('close', () => {
      this.#closed = true;
      this.#running?.abort();
    });
  }

  prompt(): void {
    if (this.#closed) return;
    const { state, target, lines } = this.#shell;
    this.#terminal.setPrompt(`[faaskeeper: ${target}(${promptState(state)}) ${lines.next}] `);
    this.#prompting = true;
    this.#terminal.prompt();
  }

  /** Runs what Ctrl-C ends. */
  async run(work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const running = new AbortController();
    if (this.#closed) running.abort();
    this.#running = running;
    try {
      await work(running.signal);
    } finally {
      this.#running = undefined;
    }
  }

  writeAbove(text: string): void {
    this.#above(() => this.#output.write(text));
  }

  #above(write: () => void): void {
    if (!this.#prompting || this.#closed) {
      write();
      return;
    }
    clearLine(this.#output, 0);
    cursorTo(this.#output, 0);
    write();
    this.#terminal.prompt(true);
  }

  /** Ends the running command, or empties the line. */
  #interrupt(): void {
    if (this.#running !== undefined) {
      this.#running.abort();
      return;
    }
    this.#output.write('^C\n');
    if (this.#terminal.line === '') this.#output.write('Type quit or Ctrl-D to leave.\n');
    this.#terminal.write(null, { ctrl: true, name: 'e' });
    this.#terminal.write(null, { ctrl: true, name: 'u' });
    this.prompt();
  }

  close(): void {
    this.#prompting = false;
    this.#shell.onState = undefined;
  }
}
