import { BOUNDS } from '../bounds.ts';
import type { Command } from '../command.ts';
import { ReportedError, UsageError } from '../errors.ts';
import { hex } from '../format.ts';
import { explain, overview } from '../help.ts';
import { wholeNumber } from '../input.ts';
import { SHELL_VERSION } from '../version.ts';
import { splitLine } from '../words.ts';

const help: Command = {
  name: 'help',
  operands: '[command]',
  about: 'list the commands, or explain one',
  async run({ shell, input }) {
    const name = input.operand(0)?.toLowerCase();
    if (name === undefined) {
      const names = shell.commands.map((command) => command.name).sort();
      return { text: overview(shell.commands), json: { commands: names } };
    }
    const command = shell.commands.find((candidate) => candidate.name.toLowerCase() === name);
    if (command === undefined) throw new UsageError(`Command not found: ${name}. Type help for the list of commands.`);
    return { text: explain(command), json: { usage: explain(command) } };
  },
};

const version: Command = {
  name: 'version',
  operands: '',
  about: 'print the version of the shell',
  async run() {
    return { text: `FaaSKeeper CLI version: ${SHELL_VERSION}`, json: { version: SHELL_VERSION } };
  },
};

const connect: Command = {
  name: 'connect',
  operands: '[dir]',
  about: 'open a new session, on the instance of a service-binding directory or the same as before',
  async run({ shell, input, call }) {
    const client = await shell.reopen(call.signal, input.operand(0));
    return { text: `Connected, session ${hex(client.sessionId)}`, json: { session: client.sessionId } };
  },
};

const close: Command = {
  name: 'close',
  operands: '',
  about: 'close the session: its ephemeral nodes and watches go',
  async run({ shell }) {
    await shell.close();
    return { text: '', json: { state: 'closed' } };
  },
};

const quit: Command = {
  name: 'quit',
  operands: '',
  about: 'close the session and leave the shell',
  async run({ shell }) {
    shell.leaving = true;
    return undefined;
  },
};

const history: Command = {
  name: 'history',
  operands: '',
  about: 'list the last lines with their numbers',
  async run({ shell }) {
    const lines = shell.lines.newest(BOUNDS.historyShown);
    return { text: lines.map(({ number, line }) => `${number} - ${line}`).join('\n'), json: { lines } };
  },
};

const redo: Command = {
  name: 'redo',
  operands: 'cmdno',
  about: 'run the line with this number again',
  async run({ shell, input, call }) {
    const line = shell.lines.at(wholeNumber(input.operand(0) ?? '', 'cmdno', 0));
    const words = splitLine(line);
    if (words[0]?.toLowerCase() === 'redo') throw new UsageError('redo cannot run a redo. Name another line.');
    shell.lines.replaceLast(line);
    const exitCode = await shell.runWords(words, call.signal);
    if (exitCode !== 0) throw new ReportedError(exitCode);
    return undefined;
  },
};

export const ownCommands: readonly Command[] = [help, version, connect, close, quit, history, redo];
