/**
 * A whole FaaSKeeper for a test: trigger and functions as real processes on the run's servers, a fresh instance for each
 * call. The processes are started by the first test that asks and shared by all of the run; who kills or wipes
 * something asks for processes of its own (`ownFunctions`); those have a NATS and a Redis of their own, as any trigger
 * serves any instance that it finds there.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ConnectOptions, FaaSKeeper } from '@faaskeeper/client';
import { connectNats, declareInstance, removeInstance } from '@faaskeeper/functions/stores';
import type { InstanceSpec, InstanceSpecInput } from '@faaskeeper/protocol';
import { type FunctionName, functionNames } from '../../operator/local/names.ts';
import { type ManagedProcess, probeHttp, waitFor, withLock } from '../../operator/servers/index.ts';
import { functionProcesses } from './functions.ts';
import { privateServers, servers, serversFileVariable, type TestServers, uniqueId } from './servers.ts';
import { storesConfigOf } from './stores.ts';

export interface FaaSKeeperOptions {
  /** Of its user storage; default s3. */
  readonly storage?: 's3' | 'hybrid';
  /** Settings of the instance other than the defaults. */
  readonly instance?: Partial<Omit<InstanceSpecInput, 'id' | 'storagePrefix'>>;
  /** Default: the run's, or with `ownFunctions` a NATS and a Redis of this call's own and the run's S3 store. */
  readonly servers?: TestServers;
  /** Processes of this call's own, which the test may kill and restart; they stop with it. Always so with `servers`. */
  readonly ownFunctions?: boolean;
  /** Of own functions; default info. */
  readonly logLevel?: string;
}

export interface TestFaaSKeeper {
  readonly spec: InstanceSpec;
  readonly servers: TestServers;
  /** For FaaSKeeper.connect. */
  readonly clientOptions: ConnectOptions;
  /** Where each function takes its events. */
  readonly urls: Readonly<Record<FunctionName, string>>;
  /** The processes, if they are this call's own. */
  readonly processes: Readonly<Record<FunctionName, ManagedProcess>> | undefined;
  /** Directory of the functions' log files. */
  readonly logDir: string;
  /** A new session; it is closed with the rest. */
  connect(options?: Partial<ConnectOptions>): Promise<FaaSKeeper>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a fresh instance: `await using faaskeeper = await startFaaSKeeper()`. */
export async function startFaaSKeeper(options: FaaSKeeperOptions = {}): Promise<TestFaaSKeeper> {
  await using undo = new AsyncDisposableStack();
  const isOwn = options.ownFunctions === true || options.servers !== undefined;
  const hasOwnServers = isOwn && options.servers === undefined;
  let addresses = options.servers ?? servers();
  if (hasOwnServers) {
    const own = undo.use(await privateServers({ s3: false }));
    addresses = { ...own.addresses, s3: addresses.s3 };
  }
  const functions = isOwn ? await startOwn(addresses, options.logLevel) : await sharedFunctions();
  undo.defer(() => functions.stop());
  const id = uniqueId();
  const spec = await withNats(addresses, (nats) =>
    declareInstance(nats, {
      ...(options.storage === 'hybrid' ? { userStorage: { type: 'Hybrid' as const } } : {}),
      ...options.instance,
      id,
      storagePrefix: `${id}/`,
    }),
  );
  const { s3 } = addresses;
  const clientOptions: ConnectOptions = {
    instance: id,
    nats: { url: addresses.natsUrl, user: addresses.natsUser, password: addresses.natsPassword },
    s3: { ...s3, prefix: spec.storagePrefix },
    ...(spec.userStorage.type === 'Hybrid' ? { redis: { url: addresses.redisUrl } } : {}),
  };
  const clients: FaaSKeeper[] = [];
  const started = undo.move();
  const stop = async () => {
    await Promise.allSettled(clients.map((client) => client.close()));
    await started.disposeAsync();
    if (!hasOwnServers) await withNats(addresses, (nats) => removeInstance(nats, id)).catch(() => {});
  };
  return {
    spec,
    servers: addresses,
    clientOptions,
    urls: functions.urls,
    processes: functions.processes,
    logDir: functions.logDir,
    connect: async (connectOptions) => {
      const { FaaSKeeper } = await import('@faaskeeper/client');
      const client = await FaaSKeeper.connect({ ...clientOptions, ...connectOptions });
      clients.push(client);
      return client;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface RunningFunctions {
  readonly urls: Readonly<Record<FunctionName, string>>;
  readonly logDir: string;
  readonly processes: Readonly<Record<FunctionName, ManagedProcess>> | undefined;
  stop(): Promise<void>;
}

async function startOwn(addresses: TestServers, logLevel = 'info'): Promise<RunningFunctions> {
  const logDir = await mkdtemp(join(tmpdir(), 'faaskeeper-functions-'));
  const processes = await functionProcesses(addresses, { logDir, logLevel });
  const stop = async () => {
    await processes.trigger.stop();
    await Promise.all(Object.values(processes).map((process) => process.stop()));
    await rm(logDir, { recursive: true, force: true });
  };
  try {
    await Promise.all(Object.values(processes).map((process) => process.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { urls: urlsOf(processes), logDir, processes, stop };
}

/** Processes that outlive the test file (but not the run): another test, of any worker, finds them in the run's file. */
async function sharedFunctions(): Promise<RunningFunctions> {
  const runDir = dirname(process.env[serversFileVariable] ?? '');
  const file = join(runDir, 'functions.json');
  const logDir = join(runDir, 'functions');
  const urls = await withLock(join(runDir, '.functions.lock'), {}, async () => {
    const known = await readFile(file, 'utf8').catch(() => undefined);
    if (known !== undefined) {
      const found = JSON.parse(known) as Record<FunctionName, string>;
      if (await allAnswer(found)) return found;
    }
    const processes = await functionProcesses(servers(), { logDir });
    mkdirSync(logDir, { recursive: true });
    for (const name of functionNames) spawnForRun(processes[name]);
    const started = urlsOf(processes);
    await waitFor(() => Promise.all(Object.values(started).map((url) => probeHttp(`${url}/health/ready`))), {
      timeoutMs: 30_000,
    });
    await writeFile(file, JSON.stringify(started));
    return started;
  });
  return { urls, logDir, processes: undefined, stop: async () => {} };
}

async function allAnswer(urls: Record<FunctionName, string>): Promise<boolean> {
  const answers = await Promise.allSettled(Object.values(urls).map((url) => probeHttp(`${url}/health/ready`)));
  return answers.every(({ status }) => status === 'fulfilled');
}

function urlsOf(processes: Record<FunctionName, ManagedProcess>): Record<FunctionName, string> {
  const entries = functionNames.map((name) => [
    name,
    `http://${processes[name].spec.host}:${processes[name].spec.port}`,
  ]);
  return Object.fromEntries(entries) as Record<FunctionName, string>;
}

/** Starts a process that does not keep this one alive and ends with it: the kernel sees to that where it can. */
function spawnForRun({ spec }: ManagedProcess): void {
  const log = openSync(spec.logFile, 'a', 0o600);
  const [program, ...args] = [...endsWithParent(), spec.command, ...spec.args] as [string, ...string[]];
  const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...spec.env } });
  child.unref();
  process.on('exit', () => child.kill('SIGTERM'));
}

function endsWithParent(): string[] {
  try {
    execFileSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' });
    return ['setpriv', '--pdeathsig', 'TERM'];
  } catch {
    return [];
  }
}

async function withNats<Result>(
  servers: TestServers,
  work: (nats: Awaited<ReturnType<typeof connectNats>>) => Promise<Result>,
): Promise<Result> {
  const nats = await connectNats({ ...storesConfigOf(servers).nats, name: 'faaskeeper-test' });
  try {
    return await work(nats);
  } finally {
    await nats.close();
  }
}
