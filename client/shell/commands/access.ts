import type { AclResult, Stat } from '@faaskeeper/protocol';
import { NoNodeError } from '@faaskeeper/protocol';
import { formatAcl, parseAcl, permissionLetters } from '../acl-text.ts';
import { BOUNDS } from '../bounds.ts';
import type { Command } from '../command.ts';
import { formatStat } from '../format.ts';
import { inWindow, listSubtree } from '../tree.ts';

function jsonAcl(acl: AclResult['acl']) {
  return acl.map(({ scheme, id, permissions }) => ({ scheme, id, permissions: permissionLetters(permissions) }));
}

function withStat(text: string, stat: Stat | undefined): string {
  return stat === undefined ? text : `${text}${text === '' ? '' : '\n'}${formatStat(stat)}`;
}

const getAcl: Command = {
  name: 'getAcl',
  operands: 'path',
  about: 'print who may do what with a node',
  options: { s: { about: "print the node's Stat as well" } },
  async run({ shell, input, call }) {
    const path = input.path();
    const { acl, stat } = await (await shell.client(call.signal)).getACL(path, call);
    const text = withStat(formatAcl(acl), input.flag('s') ? stat : undefined);
    return { text, json: { path, acl: jsonAcl(acl), stat } };
  },
};

const setAcl: Command = {
  name: 'setAcl',
  operands: 'path acl',
  about: 'set who may do what: scheme:id:perm, comma separated; perm is letters of cdrwa',
  options: {
    s: { about: "print the node's Stat" },
    v: { value: 'version', about: 'only if the ACL has this version' },
    R: { about: 'of the node and everything below it' },
  },
  async run({ shell, input, call }) {
    const path = input.path();
    const acl = parseAcl(input.operand(1) ?? '');
    const version = input.integer('v', -1) ?? -1;
    const client = await shell.client(call.signal);
    if (!input.flag('R')) {
      const stat = await client.setACL(path, acl, version, call);
      return { text: withStat('', input.flag('s') ? stat : undefined), json: { path, stat } };
    }
    const paths = await listSubtree(client, path, call);
    let changed = 0;
    await inWindow(paths, BOUNDS.aclBatch, async (node) => {
      try {
        await client.setACL(node, acl, version, call);
        changed++;
      } catch (error) {
        if (node === path || !(error instanceof NoNodeError)) throw error;
      }
    });
    return { text: '', json: { path, changed } };
  },
};

const addauth: Command = {
  name: 'addauth',
  operands: 'scheme auth',
  about: 'authenticate this session (digest user:password)',
  secret: true,
  async run({ shell, input, call }) {
    const scheme = input.operand(0) ?? '';
    await (await shell.client(call.signal)).addAuth(scheme, input.operand(1) ?? '', call);
    return { text: '', json: { scheme, authenticated: true } };
  },
};

const whoami: Command = {
  name: 'whoami',
  operands: '',
  about: 'list the identities of this session',
  async run({ shell, call }) {
    const identities = await (await shell.client(call.signal)).whoAmI(call);
    const rows = identities.map(({ scheme, id }) => `${scheme}: ${id}`);
    return { text: ['Auth scheme: User', ...rows].join('\n'), json: { identities } };
  },
};

export const accessCommands: readonly Command[] = [getAcl, setAcl, addauth, whoami];
