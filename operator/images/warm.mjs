/**
 * Runs each program of the image for a moment, so that Node's compile cache holds what their start compiles.
 * Usage: node warm.mjs <directory of the programs>; $NODE_COMPILE_CACHE names the cache. Plain JavaScript: the image
 * has no more than this.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Programs that listen before their stores answer: they can be asked something, too. */
const SERVERS = ['writer', 'distributor', 'watch', 'heartbeat', 'trigger'];
/** Builds may share the network of the machine. */
const PORT = await freePort();
const URL_OF_PROGRAM = `http://127.0.0.1:${PORT}`;
const TOKEN = 'only-for-the-warm-up';
const START_LIMIT_MS = 30_000;

/** Settings that are valid but lead nowhere. */
const settings = {
  PORT: String(PORT),
  FAASKEEPER_HOST: '127.0.0.1',
  FAASKEEPER_FUNCTION_TOKEN: TOKEN,
  FAASKEEPER_NATS_URL: 'nats://127.0.0.1:1',
  FAASKEEPER_REDIS_URL: 'redis://127.0.0.1:1',
  FAASKEEPER_S3_ENDPOINT: 'http://127.0.0.1:1',
  FAASKEEPER_S3_BUCKET: 'warm',
  FAASKEEPER_S3_ACCESS_KEY_ID: 'warm',
  FAASKEEPER_S3_SECRET_ACCESS_KEY: 'warm',
  ...Object.fromEntries(
    ['WRITER', 'DISTRIBUTOR', 'WATCH', 'HEARTBEAT'].map((name) => [`FAASKEEPER_${name}_URL`, URL_OF_PROGRAM]),
  ),
};

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function ask(path, init) {
  const response = await fetch(`${URL_OF_PROGRAM}${path}`, init);
  await response.arrayBuffer();
}

const event = {
  method: 'POST',
  headers: {
    authorization: `Bearer ${TOKEN}`,
    'ce-id': 'warm',
    'ce-source': '/warm',
    'ce-specversion': '1.0',
    'ce-type': 'io.faaskeeper.warm.v1',
    'ce-subject': 'warm',
    'content-type': 'application/msgpack',
  },
  body: new Uint8Array([0x80]),
};

async function warmServer(program) {
  const child = spawn(process.execPath, [program], { env: { ...process.env, ...settings }, stdio: 'ignore' });
  const exit = once(child, 'exit');
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`);
    try {
      await ask('/health/live');
      break;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(20);
    }
  }
  await ask('/health/ready');
  await ask('/metrics');
  // A refused event goes the way of an accepted one up to the instance.
  await ask('/', event);
  child.kill('SIGTERM');
  await exit;
}

async function warmHelp(program) {
  const child = spawn(process.execPath, [program, '--help'], { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} --help ended with ${code}`);
}

const directory = process.argv[2];
for (const file of readdirSync(directory).filter((name) => name.endsWith('.mjs'))) {
  const program = join(directory, file);
  if (SERVERS.includes(file.replace(/\.mjs$/, ''))) await warmServer(program);
  else await warmHelp(program);
}
const cache = process.env.NODE_COMPILE_CACHE;
if (!cache || !existsSync(cache) || readdirSync(cache).length === 0) throw new Error('The compile cache is empty');
