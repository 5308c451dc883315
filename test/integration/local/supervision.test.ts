import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, ManagedProcess, probeHttp, waitFor } from 'faaskeeper/servers';
import { Supervised } from '../../../operator/local/supervised.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'faaskeeper-supervised-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function supervised(events: string[]): Promise<Supervised> {
  const program = join(dir, 'program.mjs');
  await writeFile(
    program,
    "import { createServer } from 'node:http';\ncreateServer((_, answer) => answer.end('ok')).listen(Number(process.env.PORT), '127.0.0.1');\n",
  );
  const [port = 0] = await freePorts(1);
  const address = `http://127.0.0.1:${port}`;
  const managed = new ManagedProcess({
    title: 'program',
    command: process.execPath,
    args: [program],
    env: { PORT: String(port) },
    host: '127.0.0.1',
    port,
    logFile: join(dir, 'program.log'),
    ready: () => probeHttp(address),
  });
  await managed.start();
  const onEvent = (line: string) => events.push(line);
  return new Supervised(managed, { name: 'program', address, onEvent, onChange: () => events.push('changed') });
}

test('a crashed process is started again and that is said', async () => {
  const events: string[] = [];
  const program = await supervised(events);
  const { pid } = program;
  program.kill('SIGKILL');
  await waitFor(async () => expect(events).toHaveLength(3), { timeoutMs: 10_000 });
  expect(events).toEqual([
    'program ended (SIGKILL); starting it again in 0.25 s',
    'changed',
    `program is back (process ${program.pid})`,
  ]);
  expect(program.pid).not.toBe(pid);
  await probeHttp(program.address);
  await program.stop();
});

test('a process that was stopped stays stopped', async () => {
  const events: string[] = [];
  const program = await supervised(events);
  program.kill('SIGKILL');
  await program.stop();
  expect(program.pid).toBeUndefined();
  await expect(probeHttp(program.address)).rejects.toThrow();
  expect(events).not.toContain('changed');
});

test('a restart that was asked for is no crash', async () => {
  const events: string[] = [];
  const program = await supervised(events);
  await program.restart();
  await probeHttp(program.address);
  expect(events).toEqual(['changed']);
  await program.stop();
});
