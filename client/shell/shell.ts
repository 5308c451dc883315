import type { SessionState } from '../session/states.ts';
import type { WatchCallback, WatchEvent } from '../watches/events.ts';
import type { ShellClient } from './client.ts';
import type { Command, Output } from './command.ts';
import {
  ConnectFailedError,
  describe,
  EXIT,
  exitCodeOf,
  NotConnectedError,
  ReportedError,
  UsageError,
} from './errors.ts';
import { formatEvent } from './format.ts';
import { explain } from './help.ts';
import { operandNamesPath, parseInput } from './input.ts';
import type { ShellIo } from './io.ts';
import { LineLog } from './line-log.ts';
import type { ShellOptions } from './options.ts';
import { splitLine } from './words.ts';

/** What a one-shot command has left to wait for: one event of a one-shot watch, or all of a persistent one. */
export type Awaited = 'nothing' | 'one' | 'all';

/** A running shell: its session, its lines, and how a line becomes an answer. */
export class Shell {
  readonly commands: readonly Command[];
  readonly options: ShellOptions;
  readonly lines = new LineLog();
  /** zkCli's printwatches. */
  printsWatches = true;
  /** `quit` was given. */
  leaving = false;
  awaited: Awaited = 'nothing';
  /** Told of each change of the session's state, and of each event. */
  onState: ((state: SessionState) => void) | undefined;
  onEvent: ((event: WatchEvent) => void) | undefined;
  /** Where output goes; the interactive shell draws its prompt around it. */
  write: (text: string) => void;
  writeError: (text: string) => void;

  readonly #io: ShellIo;
  #binding: string | undefined;
  #client: ShellClient | undefined;
  #opening: Promise<ShellClient> | undefined;
  #closedByUser = false;

  constructor(io: ShellIo, options: ShellOptions, commands: readonly Command[]) {
    this.#io = io;
    this.options = options;
    this.commands = commands;
    this.#binding = options.binding;
    this.write = (text) => void io.stdout.write(text);
    this.writeError = (text) => void io.stderr.write(text);
  }

  get state(): SessionState {
    return this.#client?.state ?? (this.#opening === undefined ? 'closed' : 'connecting');
  }

  /** The binding directory's name, or `local`. */
  get target(): string {
    return this.#binding === undefined ? 'local' : (this.#binding.replace(/\/+$/, '').split('/').at(-1) ?? 'local');
  }

  /** The session without waiting for one; for completion. */
  get connectedClient(): ShellClient | undefined {
    return this.#client?.state === 'connected' ? this.#client : undefined;
  }

  /** One watcher for all watches, as in zkCli. */
  readonly watcher: WatchCallback = (event) => {
    if (this.printsWatches)
      this.#print({ text: `\nWATCHER::\n\n${formatEvent(event)}`, json: event }, this.options.json);
    this.onEvent?.(event);
  };

  /** The session, opened if there is none yet. @throws NotConnectedError after `close`. */
  async client(signal: AbortSignal): Promise<ShellClient> {
    if (this.#client !== undefined) return this.#client;
    if (this.#closedByUser) throw new NotConnectedError();
    return this.open(signal);
  }

  /** Opens a session. Its failure leaves the shell without one. */
  async open(signal: AbortSignal): Promise<ShellClient> {
    this.#closedByUser = false;
    this.#opening ??= this.#open(signal).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(signal: AbortSignal): Promise<ShellClient> {
    const { timeout: requestTimeout, auth } = this.options;
    const client = await this.#io
      .connect({ binding: this.#binding, requestTimeout, signal })
      .catch((cause: unknown) => {
        throw new ConnectFailedError(cause);
      });
    client.on('state', (state) => {
      if (this.#client === client) this.onState?.(state);
    });
    try {
      for (const { scheme, id } of auth) await client.addAuth(scheme, id, { signal });
    } catch (error) {
      await client.close();
      throw error;
    }
    this.#client = client;
    return client;
  }

  /** Closes the session and opens one on another instance (or on the same). */
  async reopen(signal: AbortSignal, binding = this.#binding): Promise<ShellClient> {
    await this.close();
    this.#binding = binding;
    return this.open(signal);
  }

  /** Closes the session, if there is one; commands that need one fail until `connect`. */
  async close(): Promise<void> {
    this.#closedByUser = true;
    await this.#opening?.catch(() => undefined);
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }

  /** Runs one line of input; what fails is reported, not thrown. Returns the exit code that it deserves. */
  async runLine(line: string, signal: AbortSignal): Promise<number> {
    this.lines.add(line);
    try {
      return await this.runWords(splitLine(line), signal);
    } catch (error) {
      return this.#report(error, undefined, this.options.json);
    }
  }

  /** Runs a command given as its words. */
  async runWords(words: readonly string[], signal: AbortSignal): Promise<number> {
    const [name = '', ...args] = words;
    let json = this.options.json;
    let path: string | undefined;
    try {
      const input = parseInput(this.#find(name), args);
      json ||= input.flag('json');
      if (input.flag('help')) {
        this.#print({ text: explain(input.command), json: { usage: explain(input.command) } }, json);
        return EXIT.ok;
      }
      if (operandNamesPath(input.command)) path = input.operand(0);
      const timeout = input.integer('timeout', 1) ?? this.options.timeout;
      const call = { signal, ...(timeout === undefined ? {} : { timeout }) };
      const print = (output: Output) => this.#print(output, json);
      const output = await input.command.run({ shell: this, input, call, print });
      if (output !== undefined) print(output);
      return EXIT.ok;
    } catch (error) {
      return signal.aborted ? EXIT.interrupted : this.#report(error, path, json);
    }
  }

  #find(name: string): Command {
    const wanted = name.toLowerCase();
    const command = this.commands.find((candidate) => candidate.name.toLowerCase() === wanted);
    if (command === undefined) throw new UsageError(`Command not found: ${name}. Type help for the list of commands.`);
    return command;
  }

  #print({ text, json: document }: Output, json: boolean): void {
    const line = json ? JSON.stringify(document) : text;
    if (line !== '') this.write(`${line}\n`);
  }

  #report(error: unknown, path: string | undefined, json: boolean): number {
    if (error instanceof ReportedError) return error.exitCode;
    const description = describe(error, path);
    this.writeError(`${json ? JSON.stringify({ error: description }) : description.message}\n`);
    return exitCodeOf(error);
  }
}
