import type { AddWatchMode, WatchKind } from '../../watches/events.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../errors.ts';
import { formatEvent } from '../format.ts';
import type { Input } from '../input.ts';

const watch: Command = {
  name: 'watch',
  operands: 'path',
  about: 'print what happens to a node (which need not exist) until Ctrl-C',
  options: {
    r: { about: 'and to everything below it' },
    n: { value: 'count', about: 'end after so many events' },
  },
  async run({ shell, input, call: { signal }, print }) {
    const path = input.path();
    const count = input.integer('n', 1) ?? Number.POSITIVE_INFINITY;
    const client = await shell.client(signal);
    let seen = 0;
    try {
      for await (const event of client.watch(path, { recursive: input.flag('r'), signal })) {
        print({ text: formatEvent(event), json: event });
        if (++seen >= count) break;
      }
    } catch (error) {
      // Ctrl-C is how this command is meant to end.
      if (!signal.aborted) throw error;
    }
    return undefined;
  },
};

function watchMode(input: Input): AddWatchMode {
  const mode = input.value('m') ?? 'PERSISTENT_RECURSIVE';
  if (mode === 'PERSISTENT' || mode === 'PERSISTENT_RECURSIVE') return mode;
  throw new UsageError(`-m must be PERSISTENT or PERSISTENT_RECURSIVE, not ${JSON.stringify(mode)}.`);
}

const addWatch: Command = {
  name: 'addWatch',
  operands: 'path',
  about: 'print what happens to a node, beside other commands; a one-shot command waits until Ctrl-C',
  options: {
    m: { value: 'PERSISTENT|PERSISTENT_RECURSIVE', about: 'the default is PERSISTENT_RECURSIVE' },
  },
  async run({ shell, input, call }) {
    const path = input.path();
    const mode = watchMode(input);
    const client = await shell.client(call.signal);
    await client.addWatch(path, mode, shell.watcher, call);
    shell.awaited = 'all';
    return { text: '', json: { path, mode } };
  },
};

function watchKind(input: Input): WatchKind {
  const given = ['c', 'd', 'a'].filter((flag) => input.flag(flag));
  if (given.length > 1) throw new UsageError('-c, -d and -a exclude each other.');
  if (given[0] === 'c') return 'children';
  return given[0] === 'd' ? 'data' : 'any';
}

const removewatches: Command = {
  name: 'removewatches',
  operands: 'path',
  about: "remove this session's watches of a node",
  options: {
    c: { about: 'those of its children' },
    d: { about: 'those of its data' },
    a: { about: 'all, persistent ones as well (the default)' },
  },
  async run({ shell, input, call }) {
    const path = input.path();
    const kind = watchKind(input);
    await (await shell.client(call.signal)).removeWatches(path, kind);
    return { text: '', json: { path, removed: kind } };
  },
};

const printwatches: Command = {
  name: 'printwatches',
  operands: '[on|off]',
  about: 'print the events of watches, or not; without an argument: say which',
  async run({ shell, input }) {
    const wanted = input.operand(0);
    if (wanted !== undefined && wanted !== 'on' && wanted !== 'off') {
      throw new UsageError(`printwatches takes on or off, not ${JSON.stringify(wanted)}.`);
    }
    if (wanted !== undefined) shell.printsWatches = wanted === 'on';
    const state = shell.printsWatches ? 'on' : 'off';
    return { text: wanted === undefined ? `printwatches is ${state}` : '', json: { printwatches: state } };
  },
};

export const watchCommands: readonly Command[] = [watch, addWatch, removewatches, printwatches];
