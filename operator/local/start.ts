import { randomBytes } from 'node:crypto';
import { freePorts, keptSecret, processStamp } from '../servers/index.ts';
import { type Binding, redisBinding, writeBinding } from './binding.ts';
import { buildClient, buildFunctions, buildGateway } from './build.ts';
import { declareLocalInstance } from './declare.ts';
import { type FunctionSurroundings, functionProcess } from './functions.ts';
import { gatewayProcess } from './gateway.ts';
import { Home, type HomeIdentity } from './home.ts';
import { type FunctionName, functionNames, type ProcessName, processNames, serverNames } from './names.ts';
import type { LocalSettings } from './options.ts';
import { checkStore, type LocalServers, startServers, storeOf } from './servers.ts';
import { type LocalProcess, Supervised } from './supervised.ts';

export interface LocalOptions extends Partial<Omit<LocalSettings, 'home' | 'ports'>> {
  /** The data directory. */
  readonly home: string;
  /** Default 0 each: free ones. */
  readonly ports?: Partial<Record<ProcessName, number>>;
  /** Told each step of the start, and later each crash. */
  readonly onEvent?: (line: string) => void;
  /** Gives up starting; what was started is stopped. */
  readonly signal?: AbortSignal | undefined;
}

/** An instance that runs as processes on this machine. */
export interface LocalFaaSKeeper {
  readonly home: string;
  /** The opaque id of the instance. */
  readonly instance: string;
  readonly binding: Binding;
  /** The binding as a directory of files, for clients that are given a path. */
  readonly bindingDir: string;
  /** Servers that were given by address are not among them. */
  readonly processes: Readonly<Partial<Record<ProcessName, LocalProcess>>> &
    Readonly<Record<FunctionName | 'gateway', LocalProcess>>;
  /** With its password: for tests that damage it. */
  readonly redisUrl: string;
  /** What has user storage, by name. */
  readonly storeTitle: string;
  /** Stops everything in order; the data stays. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts servers, functions and trigger, and resolves when all of them answer. */
export async function startLocal(options: LocalOptions): Promise<LocalFaaSKeeper> {
  const { onEvent = () => {}, signal } = options;
  const home = await Home.open(options.home);
  const running = new Map<ProcessName, Supervised>();
  const stop = stopper(home, running);
  try {
    await home.endLeftovers();
    const settings = await settle(options);
    const identity = await home.identity(async () => ({
      instance: `local${randomBytes(5).toString('hex')}`,
      store: await storeOf(settings, onEvent),
      storage: settings.instance.userStorage?.type ?? 'S3',
    }));
    checkStore(settings, home, identity);
    const state = stateWriter(home, identity, running);
    const built = build(onEvent);
    built.catch(() => undefined); // awaited below, unless the servers fail first
    const servers = await startServers({ settings, home, identity, onProgress: onEvent, signal });
    const supervise = { onEvent, onChange: () => void state.write(false) };
    for (const [name, server] of servers.started) {
      running.set(name, new Supervised(server.process, { ...supervise, name, address: server.address }));
    }
    await built;
    const spec = {
      ...settings.instance,
      userStorage: settings.instance.userStorage ?? { type: identity.storage ?? 'S3' },
      id: identity.instance,
      storagePrefix: `${identity.instance}/`,
    };
    await declareLocalInstance(servers.nats, spec);
    const around = await surroundings(home, settings, servers);
    for (const step of [functionNames.filter((name) => name !== 'trigger'), ['trigger'], ['gateway']] as const) {
      const starts = step.map(async (name) => {
        const managed =
          name === 'gateway'
            ? await gatewayProcess(around, { ...settings, instance: spec, logDir: home.in('logs') })
            : functionProcess(name, around, home.in('logs'));
        await managed.start(signal);
        const scheme = name === 'gateway' ? 'zookeeper' : 'http';
        const address = `${scheme}://${managed.spec.host}:${managed.spec.port}`;
        running.set(name, new Supervised(managed, { ...supervise, name, address }));
        onEvent(`${name} answers at ${address}`);
      });
      // All are waited for also when one fails, so that stop() knows each that runs.
      const failure = (await Promise.allSettled(starts)).find((start) => start.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    }
    const redis = spec.userStorage.type === 'Hybrid' ? await redisBinding(servers.redisUrl, identity.instance) : {};
    const binding = { ...bindingOf(identity, servers), ...redis };
    const bindingDir = home.in('binding');
    await writeBinding(bindingDir, binding);
    await state.write(true);
    return {
      home: home.path,
      instance: identity.instance,
      binding,
      bindingDir,
      redisUrl: servers.redisUrl,
      storeTitle: spec.userStorage.type === 'Hybrid' ? `Redis and ${servers.storeTitle}` : servers.storeTitle,
      processes: Object.fromEntries(running) as Partial<Record<ProcessName, Supervised>> &
        Record<FunctionName | 'gateway', Supervised>,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(onEvent: (line: string) => void): Promise<void> {
  if (await buildFunctions()) onEvent('functions are built');
  if (await buildGateway()) onEvent('gateway is built');
  if (await buildClient()) onEvent('client is built');
}

/** First what brings work, then what does it, then what keeps it. */
function stopper(home: Home, running: ReadonlyMap<ProcessName, Supervised>): () => Promise<void> {
  const stopAll = async () => {
    const workers = functionNames.filter((name) => name !== 'trigger');
    for (const step of [['gateway'] as const, ['trigger'] as const, workers, serverNames]) {
      await Promise.all(step.map((name) => running.get(name)?.stop()));
    }
    await home.close();
  };
  let stopped: Promise<void> | undefined;
  return () => {
    stopped ??= stopAll();
    return stopped;
  };
}

async function settle(options: LocalOptions): Promise<LocalSettings> {
  const { home, s3, nats, redisUrl, logLevel = 'info', ports, gateway = {}, instance = {} } = options;
  const free = await freePorts(processNames.length);
  const settled = processNames.map((name, index) => [name, ports?.[name] || free[index]]);
  const all = Object.fromEntries(settled) as Record<ProcessName, number>;
  return { home, s3, nats, redisUrl, logLevel, gateway, instance, ports: all };
}

async function surroundings(home: Home, settings: LocalSettings, servers: LocalServers): Promise<FunctionSurroundings> {
  const { nats, redisUrl, s3 } = servers;
  const functionToken = await keptSecret(home.in('function-token'));
  return { nats, redisUrl, s3, functionToken, logLevel: settings.logLevel, ports: settings.ports };
}

function bindingOf({ instance }: HomeIdentity, { client, s3 }: LocalServers): Binding {
  return {
    type: 'faaskeeper',
    provider: 'local',
    instance,
    'nats-url': client.url,
    'nats-user': client.user,
    'nats-password': client.password,
    's3-endpoint': s3.endpoint,
    's3-region': s3.region,
    's3-bucket': s3.bucket,
    's3-access-key-id': s3.accessKeyId,
    's3-secret-access-key': s3.secretAccessKey,
    's3-prefix': `${instance}/`,
  };
}

/** Keeps state.json as things are, one write at a time. */
function stateWriter(home: Home, { instance }: HomeIdentity, running: ReadonlyMap<ProcessName, Supervised>) {
  const startedAt = new Date().toISOString();
  const own = { pid: process.pid, stamp: processStamp(process.pid), startedAt, instance };
  let ready = false;
  let writing: Promise<void> = Promise.resolve();
  const current = () => {
    const processes = [...running].flatMap(([name, { pid, port, address }]) =>
      pid === undefined ? [] : [[name, { pid, stamp: processStamp(pid), port, address }]],
    );
    return { ...own, ready, processes: Object.fromEntries(processes) };
  };
  return {
    write(isReady: boolean): Promise<void> {
      ready ||= isReady;
      writing = writing.catch(() => undefined).then(() => home.writeState(current()));
      return writing;
    },
  };
}
