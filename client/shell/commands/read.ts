import type { Stat } from '@faaskeeper/protocol';
import { NoNodeError } from '@faaskeeper/protocol';
import type { Command, CommandContext, OptionSpec } from '../command.ts';
import { UsageError } from '../errors.ts';
import { formatData, formatList, formatStat, hexDump, jsonData } from '../format.ts';
import { listSubtree, sorted } from '../tree.ts';

const STAT: OptionSpec = { about: "print the node's Stat as well" };
const WATCH: OptionSpec = { about: 'watch the node once; a one-shot command waits for the event' };

/** The call's options, with the shell's watcher if -w was given. */
function watching({ shell, input, call }: CommandContext) {
  if (!input.flag('w')) return call;
  shell.awaited = 'one';
  return { ...call, watch: shell.watcher };
}

function withStat(context: CommandContext, text: string, stat: Stat): string {
  return context.input.flag('s') ? `${text}\n${formatStat(stat)}` : text;
}

const ls: Command = {
  name: 'ls',
  operands: 'path',
  about: 'list the children of a node',
  options: { s: STAT, w: WATCH, R: { about: 'list the node and everything below it' } },
  async run(context) {
    const { shell, input, call } = context;
    const path = input.path();
    const client = await shell.client(call.signal);
    if (input.flag('R')) {
      if (input.flag('w')) throw new UsageError('-R cannot be combined with -w; use addWatch or watch -r.');
      const paths = await listSubtree(client, path, call);
      return { text: paths.join('\n'), json: { path, paths } };
    }
    const { children: names, stat } = await client.getChildren2(path, watching(context));
    const children = sorted(names);
    return { text: withStat(context, formatList(children), stat), json: { path, children, stat } };
  },
};

const get: Command = {
  name: 'get',
  operands: 'path',
  about: 'print the data of a node',
  options: {
    s: STAT,
    w: WATCH,
    b: { about: 'print the data in base64' },
    x: { about: 'print a hex dump of the data' },
  },
  async run(context) {
    const { shell, input, call } = context;
    const path = input.path();
    if (input.flag('b') && input.flag('x')) throw new UsageError('-b cannot be combined with -x.');
    const client = await shell.client(call.signal);
    const { data, stat } = await client.getData(path, watching(context));
    const base64 = () => Buffer.from(data ?? []).toString('base64');
    const text = input.flag('x') ? hexDump(data ?? new Uint8Array()) : input.flag('b') ? base64() : formatData(data);
    const json = input.flag('b') && data !== null ? { base64: base64() } : jsonData(data);
    return { text: withStat(context, text, stat), json: { path, data: json, stat } };
  },
};

const stat: Command = {
  name: 'stat',
  operands: 'path',
  about: "print a node's Stat",
  options: { w: WATCH },
  async run(context) {
    const path = context.input.path();
    const client = await context.shell.client(context.call.signal);
    const found = await client.exists(path, watching(context));
    if (found === null) throw new NoNodeError(undefined, { path });
    return { text: formatStat(found), json: { path, stat: found } };
  },
};

const getEphemerals: Command = {
  name: 'getEphemerals',
  operands: '[path]',
  about: "list this session's ephemeral nodes, all or those whose path begins so",
  async run({ shell, input, call }) {
    const client = await shell.client(call.signal);
    const prefix = input.operand(0);
    const paths = sorted(await client.getEphemerals(prefix ?? '/', call));
    return { text: formatList(paths), json: { paths } };
  },
};

const getAllChildrenNumber: Command = {
  name: 'getAllChildrenNumber',
  operands: 'path',
  about: 'count all nodes below a node',
  async run({ shell, input, call }) {
    const path = input.path();
    const count = await (await shell.client(call.signal)).getAllChildrenNumber(path, call);
    return { text: String(count), json: { path, count } };
  },
};

export const readCommands: readonly Command[] = [ls, get, stat, getEphemerals, getAllChildrenNumber];
