import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildFunctions } from '../../../operator/local/build.ts';
import { freePorts } from '../../../operator/servers/index.ts';

const projectDir = join(import.meta.dirname, '../../..');
const TOKEN = 'token-of-this-test-0123';

interface Program {
  readonly child: ChildProcess;
  output(): string;
  errors(): string;
  exited: Promise<[code: number | null, signal: string | null]>;
}

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function start(file: string, env: Record<string, string>, ...args: string[]): Program {
  const child = spawn(process.execPath, ['--conditions=source', join(projectDir, file), ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
  });
  started.push(child);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  return { child, output: () => output, errors: () => errors, exited };
}

async function startSlow(env: Record<string, string> = {}): Promise<{ program: Program; url: string }> {
  const [port] = await freePorts(1);
  const program = start('test/integration/host/slow-program.ts', {
    PORT: String(port),
    FAASKEEPER_FUNCTION_TOKEN: TOKEN,
    ...env,
  });
  while (!program.output().includes('"ready"')) await once(program.child.stdout as NodeJS.ReadableStream, 'data');
  return { program, url: `http://127.0.0.1:${port}` };
}

const post = (url: string, body: string, headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }) =>
  fetch(url, { method: 'POST', body, headers });

test('on SIGTERM it answers what is in flight, takes nothing new, closes and exits with 0', async () => {
  const { program, url } = await startSlow();
  const inFlight = post(url, '700');
  // The next answer shows that the one before has arrived.
  await post(url, '1');
  program.child.kill('SIGTERM');
  while (!program.output().includes('"stopping"')) await once(program.child.stdout as NodeJS.ReadableStream, 'data');
  await expect(post(url, '1')).rejects.toThrow();
  const answer = await inFlight;
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe('done');
  expect(await program.exited).toEqual([0, null]);
  expect(program.output()).toContain('"closed"');
});

test('health, readiness and metrics need no token, events do', async () => {
  const { url } = await startSlow();
  for (const path of ['/health/live', '/health/ready', '/metrics']) expect((await fetch(url + path)).status).toBe(200);
  for (const headers of [{}, { authorization: 'Bearer wrong' }] as Record<string, string>[]) {
    const refused = await post(url, '1', headers);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(await refused.json()).toMatchObject({ type: 'unauthorized', status: 401 });
  }
});

test('an answer names the Revision that gave it, on Knative', async () => {
  const revision = async (env: Record<string, string>) => {
    const { url } = await startSlow(env);
    const [answer, problem] = await Promise.all([post(url, '1'), post(url, '1', {})]);
    expect(problem.status).toBe(401);
    expect(problem.headers.get('faaskeeper-revision')).toBe(answer.headers.get('faaskeeper-revision'));
    return answer.headers.get('faaskeeper-revision');
  };
  expect(await revision({ K_REVISION: 'fk-writer-00001' })).toBe('fk-writer-00001');
  expect(await revision({})).toBeNull();
});

test('a body above the bound is refused, said to be too large or not', async () => {
  const { url } = await startSlow();
  const chunk = new Uint8Array(1024 * 1024);
  async function* tooMuch() {
    for (let i = 0; i < 65; i++) yield chunk;
  }
  const headers = { authorization: `Bearer ${TOKEN}` };
  const outcomes = await Promise.allSettled([
    fetch(url, { method: 'POST', headers, body: new Uint8Array(64 * 1024 * 1024 + 1) }),
    fetch(url, { method: 'POST', headers, body: tooMuch(), duplex: 'half' } as never),
  ]);
  // The server stops reading; a client that is still sending may see that before the answer.
  for (const outcome of outcomes) if (outcome.status === 'fulfilled') expect(outcome.value.status).toBe(413);
  expect((await post(url, '1')).status).toBe(200);
});

// From the bundles, as they are deployed.
beforeAll(() => buildFunctions(), 60_000);

const programs = ['writer', 'distributor', 'watch', 'heartbeat', 'trigger'];

test.each(programs)('%s without its settings says which are missing, and exits with 1', async (name) => {
  const program = start(`dist/functions/${name}.mjs`, {});
  expect(await program.exited).toEqual([1, null]);
  expect(program.errors().trim()).toBe(`${name}: FAASKEEPER_FUNCTION_TOKEN is missing`);
  const second = start(`dist/functions/${name}.mjs`, { FAASKEEPER_FUNCTION_TOKEN: TOKEN, FAASKEEPER_NATS_URL: 'x' });
  expect(await second.exited).toEqual([1, null]);
  expect(second.errors().trim().split('\n')).toHaveLength(1);
  expect(second.errors()).toMatch(/^\w+: .*FAASKEEPER_/);
});

test.each(programs)('%s --help explains its settings', async (name) => {
  const program = start(`dist/functions/${name}.mjs`, {}, '--help');
  expect(await program.exited).toEqual([0, null]);
  expect(program.output()).toContain('FAASKEEPER_NATS_URL');
});
