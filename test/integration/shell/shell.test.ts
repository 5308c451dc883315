import { createServer } from 'node:http';
import { FaaSKeeper } from '@faaskeeper/client';
import type { ShellConnect } from '../../../client/shell/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { shellRun, startShell } from '../../support/shell.ts';

let instance: TestFaaSKeeper;
let other: FaaSKeeper;

const connect: ShellConnect = ({ requestTimeout, signal }) =>
  FaaSKeeper.connect({ ...instance.clientOptions, requestTimeout, signal });
const run = (...argv: string[]) => shellRun(argv, { connect });
const script = (...lines: string[]) => shellRun(['shell'], { connect, input: `${lines.join('\n')}\n` });
const json = async (...argv: string[]) => JSON.parse((await run(...argv, '--json')).out);

beforeAll(async () => {
  instance = await startFaaSKeeper();
  other = await instance.connect();
});
afterAll(() => instance.stop());

test('create, get, set, stat, ls and delete, one at a time', async () => {
  expect(await run('create', '/one', 'hello world')).toEqual({ exitCode: 0, out: 'Created /one\n', err: '' });
  expect((await run('get', '/one')).out).toBe('hello world\n');
  expect((await run('set', '-v', '0', '/one', 'again')).exitCode).toBe(0);
  expect((await run('stat', '/one')).out).toMatch(
    /^cZxid = 0x[0-9a-f]+\nctime = .*\nmZxid = .*\nmtime = .*\npZxid = .*\ncversion = 0\ndataVersion = 1\naclVersion = 0\nephemeralOwner = 0x0\ndataLength = 5\nnumChildren = 0\n$/,
  );
  expect((await run('ls', '/')).out).toMatch(/^\[.*one.*\]\n$/);
  expect((await run('delete', '/one')).exitCode).toBe(0);
  expect(await run('get', '/one')).toMatchObject({ exitCode: 1, out: '' });
});

test('errors name the path and say what to do', async () => {
  await other.create('/errors', 'x');
  await other.create('/errors/child');
  expect((await run('create', '/errors')).err).toMatch(/^Node already exists: \/errors\. Use set/);
  expect((await run('create', '/missing/x')).err).toMatch(/^Node does not exist: \/missing/);
  expect((await run('delete', '/errors')).err).toMatch(/^Node not empty: \/errors\. .*deleteall/);
  expect((await run('set', '-v', '7', '/errors', 'y')).err).toMatch(/^version No is not valid : \/errors\./);
});

test('--json gives text as a string and other bytes as base64', async () => {
  await other.create('/json', 'grüße');
  await other.create('/bytes', new Uint8Array([0, 255]));
  expect(await json('get', '/json')).toMatchObject({ path: '/json', data: 'grüße', stat: { dataLength: 7 } });
  expect(await json('get', '/bytes')).toMatchObject({ data: { base64: 'AP8=' } });
  expect(await json('ls', '/json')).toMatchObject({ path: '/json', children: [] });
});

test('a script holds one session: ephemeral and sequential nodes', async () => {
  const { out, err, exitCode } = await script(
    'create /session',
    'create -e -s /session/n data',
    'create -e /session/e',
    'getEphemerals',
    'getAllChildrenNumber /session',
    'sync /session',
    'get /session/e',
  );
  expect({ err, exitCode }).toEqual({ err: '', exitCode: 0 });
  expect(out.split('\n')).toEqual([
    'Created /session',
    'Created /session/n0000000000',
    'Created /session/e',
    '[/session/e, /session/n0000000000]',
    '2',
    'Sync is OK',
    'null',
    '',
  ]);
  // The script closed its session, and the ephemerals went with it.
  await other.sync('/session');
  expect(await other.getChildren('/session')).toEqual([]);
});

test('ACLs: set, shown, enforced, opened with --auth', async () => {
  await other.create('/acl', 'secret');
  const { out, exitCode } = await script(
    'addauth digest u:p',
    'setAcl /acl auth::cdrwa',
    'getAcl /acl',
    'get /acl',
    'whoami',
  );
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^'digest,'u:.+\n: cdrwa\nsecret\nAuth scheme: User\n(.*\n)*digest: u/);
  expect(await run('get', '/acl')).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('Insufficient permission : /acl'),
  });
  expect((await run('--auth', 'digest:u:p', 'get', '/acl')).out).toBe('secret\n');
});

test('setAcl -R reaches everything below', async () => {
  for (const path of ['/tree', '/tree/a', '/tree/a/b']) await other.create(path);
  expect(await json('setAcl', '-R', '/tree', 'world:anyone:rcdwa')).toMatchObject({ changed: 3 });
  expect((await other.getACL('/tree/a/b')).stat.aversion).toBe(1);
});

test('deleteall deletes a tree', async () => {
  await other.create('/big');
  await Promise.all(Array.from({ length: 20 }, (_, index) => other.create(`/big/${index}`)));
  await Promise.all(Array.from({ length: 20 }, (_, index) => other.create(`/big/${index}/leaf`)));
  expect(await json('deleteall', '/big')).toEqual({ path: '/big', deleted: 41 });
  await other.sync('/big');
  expect(await other.exists('/big')).toBeNull();
});

test('get -w waits for the event of its watch', async () => {
  await other.create('/watched', 'a');
  const shell = startShell(['get', '-w', '/watched'], { connect });
  await shell.printed('a\n');
  await other.setData('/watched', 'b');
  const { exitCode, out } = await shell.done;
  expect(exitCode).toBe(0);
  expect(out).toMatch(
    /\nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:\/watched zxid: \d+\n$/,
  );
});

test('watch prints events in order until Ctrl-C', async () => {
  const shell = startShell(['watch', '-r', '/stream', '--json'], { connect });
  // Until the watch stands nothing tells, so the first node is made again and again.
  for (let round = 0; shell.out() === ''; round++) {
    await other.create(`/stream-${round}`);
    await other.create('/stream');
    await other.delete('/stream');
    await other.sync('/');
  }
  await shell.printed('NodeDeleted');
  const before = shell.out().length;
  await other.create('/stream');
  await other.create('/stream/child', '1');
  await other.setData('/stream/child', '2');
  await shell.printed('NodeDataChanged', before);
  shell.signal('SIGINT');
  const { exitCode, out } = await shell.done;
  const events = out
    .slice(before)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.map(({ type, path }) => `${type} ${path}`).slice(-3)).toEqual([
    'NodeCreated /stream',
    'NodeCreated /stream/child',
    'NodeDataChanged /stream/child',
  ]);
  expect(exitCode).toBe(0);
});

test('at a terminal, events of addWatch appear beside commands', async () => {
  const shell = startShell(['shell'], { connect, terminal: true });
  await shell.printed('(CONNECTED) 0] ');
  shell.type('create /term\r');
  await shell.printed('Created /term');
  shell.type('addWatch /term\r');
  await shell.printed(' 2] ');
  const before = shell.out().length;
  await other.create('/term/child');
  await shell.printed('type:NodeCreated path:/term/child', before);
  shell.type('removewatches /term\r');
  await shell.printed(' 3] ');
  const beforeTab = shell.out().length;
  shell.type('ls /ter\t');
  await shell.printed('/term', beforeTab);
  shell.type('\r');
  await shell.printed('[child]');
  shell.type('quit\r');
  expect(await shell.done).toMatchObject({ exitCode: 0, err: '' });
});

test('register, registrations and unregister', async () => {
  const sink = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  await new Promise((resolve) => sink.once('listening', resolve));
  try {
    const address = sink.address() as { port: number };
    const url = `http://127.0.0.1:${address.port}/`;
    await other.create('/sink');
    const { id } = await json('register', '-k', 'children', '/sink', url);
    expect((await run('registrations', '/sink')).out).toContain(`${id} children ${url} since 0x`);
    expect((await run('unregister', '/sink', id)).exitCode).toBe(0);
    expect(await json('registrations', '/sink')).toEqual({ path: '/sink', registrations: [] });
  } finally {
    sink.close();
  }
});
