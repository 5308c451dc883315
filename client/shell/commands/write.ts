import { type CreateMode, NoNodeError, validatePath } from '@faaskeeper/protocol';
import { parseAcl } from '../acl-text.ts';
import { BOUNDS } from '../bounds.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../errors.ts';
import { formatStat } from '../format.ts';
import { checkPath, type Input } from '../input.ts';
import { inWindow, listSubtree } from '../tree.ts';

/** Any version. */
const ANY = -1;

function createMode(input: Input): CreateMode {
  const sequential = input.flag('s');
  const ephemeral = input.flag('e');
  const timed = input.value('t') !== undefined;
  if (input.flag('c')) {
    if (sequential || ephemeral) throw new UsageError('-c cannot be combined with -s or -e.');
    if (timed) throw new UsageError('-c cannot be combined with -t.');
    return 'CONTAINER';
  }
  if (timed) {
    if (ephemeral) throw new UsageError('TTLs cannot be used with Ephemeral znodes: -t cannot be combined with -e.');
    return sequential ? 'PERSISTENT_SEQUENTIAL_WITH_TTL' : 'PERSISTENT_WITH_TTL';
  }
  if (ephemeral) return sequential ? 'EPHEMERAL_SEQUENTIAL' : 'EPHEMERAL';
  return sequential ? 'PERSISTENT_SEQUENTIAL' : 'PERSISTENT';
}

const create: Command = {
  name: 'create',
  operands: 'path [data] [acl]',
  about: 'create a node; without data it has none',
  options: {
    s: { about: 'sequential: ten digits are appended to the name' },
    e: { about: 'ephemeral: it goes with this session' },
    c: { about: 'container: it goes some time after its last child' },
    t: { value: 'ttl', about: 'it goes when it was not changed for so many ms and has no children' },
  },
  async run({ shell, input, call }) {
    const mode = createMode(input);
    const ttl = input.integer('t', 1);
    const path = input.operand(0) ?? '';
    if (input.flag('s')) checkSequential(path);
    else checkPath(path);
    const [data, aclText] = [input.operand(1), input.operand(2)];
    const acl = aclText === undefined ? undefined : parseAcl(aclText);
    const client = await shell.client(call.signal);
    const options = { ...call, mode, ...(ttl === undefined ? {} : { ttl }), ...(acl === undefined ? {} : { acl }) };
    const created = await client.create2(path, data ?? null, options);
    return { text: `Created ${created.path}`, json: { path: created.path, stat: created.stat } };
  },
};

/** A sequential node's path may end in /: the digits follow. */
function checkSequential(path: string): void {
  try {
    validatePath(path, true);
  } catch {
    checkPath(path);
  }
}

const set: Command = {
  name: 'set',
  operands: 'path data',
  about: 'replace the data of a node',
  options: {
    s: { about: "print the node's Stat" },
    v: { value: 'version', about: 'only if the data has this version' },
    b: { about: 'the data is given in base64' },
  },
  async run({ shell, input, call }) {
    const path = input.path();
    const version = input.integer('v', ANY) ?? ANY;
    const text = input.operand(1) ?? '';
    const data = input.flag('b') ? fromBase64(text) : text;
    const stat = await (await shell.client(call.signal)).setData(path, data, version, call);
    return { text: input.flag('s') ? formatStat(stat) : '', json: { path, stat } };
  },
};

function fromBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  const unpadded = (value: string) => value.replace(/=+$/, '');
  if (unpadded(bytes.toString('base64')) !== unpadded(text)) throw new UsageError('-b: the data is not valid base64.');
  return bytes;
}

const remove: Command = {
  name: 'delete',
  operands: 'path',
  about: 'delete a node without children',
  options: { v: { value: 'version', about: 'only if the data has this version' } },
  async run({ shell, input, call }) {
    const path = input.path();
    const version = input.integer('v', ANY) ?? ANY;
    await (await shell.client(call.signal)).delete(path, version, call);
    return { text: '', json: { path, deleted: 1 } };
  },
};

const deleteall: Command = {
  name: 'deleteall',
  operands: 'path',
  about: 'delete a node and everything below it',
  options: { b: { value: 'size', about: `deletes under way at a time (default ${BOUNDS.deleteBatch})` } },
  async run({ shell, input, call }) {
    const path = input.path();
    const batch = input.integer('b', 1) ?? BOUNDS.deleteBatch;
    if (path === '/' || path === '/zookeeper') throw new UsageError(`${path} cannot be deleted. Name a node below it.`);
    const client = await shell.client(call.signal);
    // A session's requests take effect in the order in which they are made: children first is enough.
    const deepestFirst = (await listSubtree(client, path, call)).reverse();
    let deleted = 0;
    await inWindow(deepestFirst, batch, async (node) => {
      try {
        await client.delete(node, ANY, call);
        deleted++;
      } catch (error) {
        if (!(error instanceof NoNodeError)) throw error;
      }
    });
    return { text: '', json: { path, deleted } };
  },
};

const sync: Command = {
  name: 'sync',
  operands: 'path',
  about: 'wait until this session sees everything committed so far',
  async run({ shell, input, call }) {
    const path = input.path();
    await (await shell.client(call.signal)).sync(path, call);
    return { text: 'Sync is OK', json: { path, synced: true } };
  },
};

export const writeCommands: readonly Command[] = [create, set, remove, deleteall, sync];
