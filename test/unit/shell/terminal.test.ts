import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningShell, startShell } from '../../support/shell.ts';
import { FakeClient, plant } from './fake-client.ts';

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const UP = '\x1b[A';

let dir: string;
let fake: FakeClient;
let historyFile: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'faaskeeper-shell-'));
  historyFile = join(dir, 'history');
  fake = new FakeClient();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function start(...argv: string[]): RunningShell {
  return startShell(['shell', ...argv], { connect: async () => fake.client, terminal: true, historyFile });
}

test('the prompt tells the state and counts the lines', async () => {
  const shell = start();
  await shell.printed('[faaskeeper: local(CONNECTED) 0] ');
  shell.type('create /a\r');
  await shell.printed('Created /a');
  await shell.printed('[faaskeeper: local(CONNECTED) 1] ');
  shell.type('close\r');
  await shell.printed('[faaskeeper: local(CLOSED) 2] ');
  shell.type('quit\r');
  expect((await shell.done).exitCode).toBe(0);
});

test('an error leaves the shell running', async () => {
  const shell = start();
  await shell.printed(' 0] ');
  shell.type('get /nope\r');
  await shell.printed(' 1] ');
  expect(shell.err()).toContain('Node does not exist: /nope');
  shell.type(CTRL_D);
  expect(await shell.done).toMatchObject({ exitCode: 0 });
  expect(fake.calls.at(-1)).toBe('close');
});

test('Tab completes a path from the tree', async () => {
  await plant(fake, 'configuration');
  const shell = start();
  await shell.printed(' 0] ');
  shell.type('get /conf\t');
  await shell.printed('configuration');
  shell.type('\r');
  await shell.printed('null');
  shell.type('quit\r');
  await shell.done;
});

test('Ctrl-C ends a running command, not the shell', async () => {
  let begun: () => void = () => undefined;
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  fake.exists = async (_path, { signal }: { signal: AbortSignal } = { signal: AbortSignal.abort() }) => {
    begun();
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    return null;
  };
  const shell = start();
  await shell.printed(' 0] ');
  shell.type('stat /a\r');
  await running;
  shell.type(CTRL_C);
  await shell.printed(' 1] ');
  shell.type('half a line');
  shell.type(CTRL_C);
  shell.type('version\r');
  await shell.printed('FaaSKeeper CLI version');
  shell.type('quit\r');
  expect((await shell.done).err).toBe('');
});

test('SIGTERM closes the session and leaves', async () => {
  const shell = start();
  await shell.printed(' 0] ');
  shell.signal('SIGTERM');
  expect((await shell.done).exitCode).toBe(143);
  expect(fake.calls).toEqual(['close']);
});

describe('history', () => {
  test('lines are kept for the next shell, for their owner only, without secrets', async () => {
    await writeFile(historyFile, 'ls /old\n');
    const shell = start();
    await shell.printed(' 0] ');
    shell.type('addauth digest u:secret\r');
    await shell.printed(' 1] ');
    shell.type('ls /\r');
    await shell.printed(' 2] ');
    shell.type('quit\r');
    await shell.done;
    expect(await readFile(historyFile, 'utf8')).toBe('ls /old\nls /\nquit\n');
    expect((await stat(historyFile)).mode & 0o777).toBe(0o600);
  });

  test('the up arrow brings back the line of an earlier shell', async () => {
    await writeFile(historyFile, 'version\n');
    const shell = start();
    await shell.printed(' 0] ');
    shell.type(`${UP}\r`);
    await shell.printed('FaaSKeeper CLI version');
    shell.type('quit\r');
    await shell.done;
  });

  test('--no-history leaves no file', async () => {
    const shell = startShell(['--no-history', 'shell'], {
      connect: async () => fake.client,
      terminal: true,
      historyFile,
    });
    await shell.printed(' 0] ');
    shell.type('quit\r');
    await shell.done;
    await expect(stat(historyFile)).rejects.toThrow('ENOENT');
  });
});
