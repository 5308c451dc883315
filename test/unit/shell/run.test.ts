import { SessionExpiredError } from '@faaskeeper/protocol';
import type { ShellConnectOptions } from '../../../client/shell/index.ts';
import { shellRun, startShell } from '../../support/shell.ts';
import { FakeClient, plant } from './fake-client.ts';

let fake: FakeClient;
let asked: ShellConnectOptions[];
const connect = async (options: ShellConnectOptions) => {
  asked.push(options);
  return fake.client;
};
const run = (argv: string[], input?: string) => shellRun(argv, { connect, ...(input === undefined ? {} : { input }) });

beforeEach(() => {
  fake = new FakeClient();
  asked = [];
});

describe('one command', () => {
  test('prints its answer and closes the session', async () => {
    expect(await run(['create', '/a', 'hello'])).toEqual({ exitCode: 0, out: 'Created /a\n', err: '' });
    expect(fake.calls).toEqual(['create PERSISTENT /a', 'close']);
    fake.state = 'connected';
    expect(await run(['get', '/a'])).toMatchObject({ exitCode: 0, out: 'hello\n' });
  });

  test('a missing node is one line on stderr and exit code 1', async () => {
    const { exitCode, out, err } = await run(['get', '/nope']);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
    expect(err).toBe('Node does not exist: /nope. Create it (and its parents) first.\n');
  });

  test('a command that cannot be understood is exit code 2, and no session is opened', async () => {
    for (const argv of [['bogus'], ['get'], ['get', '-z', '/a'], ['set', '/a', 'x', '-v', 'y'], ['get', 'a']]) {
      const { exitCode, err } = await run(argv);
      expect(exitCode).toBe(2);
      expect(err.trim().split('\n')).toHaveLength(1);
    }
    expect(asked).toEqual([]);
  });

  test('help, version and --version need no session', async () => {
    expect((await run(['help'])).out).toContain('\tcreate [-s] [-e] [-c] [-t ttl] path [data] [acl]\n');
    expect((await run(['get', '--help'])).out).toContain('get [-s] [-w] [-b] [-x] path\n');
    expect((await run(['version'])).out).toMatch(/^FaaSKeeper CLI version: \d+\.\d+\.\d+\n$/);
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(asked).toEqual([]);
  });

  test('--json prints one document, errors as well', async () => {
    await plant(fake, 'a');
    const { out } = await run(['get', '/a', '--json']);
    expect(JSON.parse(out)).toMatchObject({ path: '/a', data: null, stat: { version: 0, czxid: 2 } });
    fake.state = 'connected';
    const { err } = await run(['--json', 'get', '/nope']);
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'NoNode', path: '/nope' } });
  });

  test('--binding, --timeout and --auth reach the session', async () => {
    await run(['--binding', '/dir', '--timeout', '77', '--auth', 'digest:u:p', 'ls', '/']);
    expect(asked).toMatchObject([{ binding: '/dir', requestTimeout: 77 }]);
    expect(fake.calls).toEqual(['addauth digest u:p', 'close']);
  });

  test('an instance that is not there says how to start it', async () => {
    const refuse = async () => {
      throw new Error('connection refused');
    };
    const { exitCode, err } = await shellRun(['ls', '/'], { connect: refuse });
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^Cannot connect: connection refused\. .*npm start.*--binding.*\n$/);
  });

  test('SIGINT closes the session; the exit code says so', async () => {
    let stop: () => void = () => undefined;
    fake.getData = (_path, { signal }: { signal: AbortSignal } = { signal: AbortSignal.abort() }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        stop();
      });
    const reading = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const shell = startShell(['get', '/a'], { connect });
    await reading;
    shell.signal('SIGINT');
    expect(await shell.done).toEqual({ exitCode: 130, out: '', err: '' });
    expect(fake.calls).toEqual(['close']);
  });
});

describe('create', () => {
  test.each([
    [['-s'], 'PERSISTENT_SEQUENTIAL'],
    [['-e'], 'EPHEMERAL'],
    [['-s', '-e'], 'EPHEMERAL_SEQUENTIAL'],
    [['-c'], 'CONTAINER'],
    [['-t', '5'], 'PERSISTENT_WITH_TTL'],
    [['-s', '-t', '5'], 'PERSISTENT_SEQUENTIAL_WITH_TTL'],
  ])('%p is %s', async (flags, mode) => {
    await run(['create', ...flags, '/a']);
    expect(fake.calls[0]).toBe(`create ${mode} /a`);
  });

  test.each([[['-c', '-s']], [['-c', '-e']], [['-c', '-t', '5']], [['-e', '-t', '5']], [['-t', 'x']]])(
    '%p is refused',
    async (flags) => {
      expect((await run(['create', ...flags, '/a'])).exitCode).toBe(2);
    },
  );
});

describe('trees', () => {
  test('ls -R lists level by level', async () => {
    await plant(fake, 'b', 'a', 'b/x', 'a/y');
    expect((await run(['ls', '-R', '/'])).out).toBe('/\n/a\n/b\n/a/y\n/b/x\n');
  });

  test('deleteall deletes children before their parents, and the node itself last', async () => {
    await plant(fake, 'a', 'a/b', 'a/b/c', 'a/d');
    expect(await run(['deleteall', '-b', '2', '/a'])).toEqual({ exitCode: 0, out: '', err: '' });
    expect(fake.calls).toEqual(['delete /a/b/c', 'delete /a/d', 'delete /a/b', 'delete /a', 'close']);
  });

  test('deleteall of the root is refused', async () => {
    await plant(fake, 'a');
    expect((await run(['deleteall', '/'])).exitCode).toBe(2);
    expect(fake.nodes.has('/a')).toBe(true);
  });
});

describe('a script on stdin', () => {
  test('runs every line; the highest exit code counts', async () => {
    const { exitCode, out, err } = await run(['shell'], '# a comment\n\ncreate /a "two words"\nget /nope\nget /a');
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: 'Created /a\ntwo words\n' });
    expect(err).toContain('Node does not exist: /nope');
    expect(asked).toHaveLength(1);
  });

  test('quit ends it', async () => {
    expect((await run([], 'create /a\nquit\ncreate /b\n')).out).toBe('Created /a\n');
  });

  test('history numbers the lines, redo runs one again', async () => {
    const { out, exitCode } = await run(['shell'], 'ls /\nhistory\nredo 0\nhistory\nredo 99\n');
    expect(out).toBe('[]\n0 - ls /\n1 - history\n[]\n0 - ls /\n1 - history\n2 - ls /\n3 - history\n');
    expect(exitCode).toBe(2);
  });

  test('after close, connect is needed', async () => {
    const { out, err } = await run(['shell'], 'ls /\nclose\nls /\nconnect\nls /\n');
    expect(out).toBe('[]\nConnected, session 0x1f\n[]\n');
    expect(err).toBe('Not connected. Type connect to open a session.\n');
  });

  test('an expired session is told apart, and the shell goes on', async () => {
    fake.exists = async () => {
      throw new SessionExpiredError();
    };
    const { err, out } = await run(['shell'], 'stat /\nls /\n');
    expect(err).toContain('Type connect for a new session.');
    expect(out).toBe('[]\n');
  });
});
