import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ClientTracer } from '@faaskeeper/client';
import type { StoresConfig } from '@faaskeeper/functions/stores';
import { type FunctionName, functionNames, type LocalFaaSKeeper, startLocal } from 'faaskeeper/local';
import { loopback, type RunningServer, serverPackages, startNats, startRedis, startS3 } from 'faaskeeper/servers';
import type { BenchClient, BenchSystem, Memory, OwnSystem } from '../client.ts';
import { cpuMsOf, residentBytesOf, versionOf } from '../machine.ts';
import { connect } from './connect.ts';
import { OtherInstances } from './instances.ts';

/** What the parts of the system can be reached by, for what is measured without it. */
export interface SystemServers {
  readonly instance: string;
  readonly stores: StoresConfig;
  readonly redisUrl: string;
  readonly triggerUrl: string;
  /** Where the functions take their events. */
  readonly functionUrls: Readonly<Record<FunctionName, string>>;
}

export interface FaaSKeeperSystem extends BenchSystem {
  readonly name: OwnSystem;
  readonly servers: SystemServers;
  /** Its processes, by name. */
  pids(): Readonly<Record<string, number | undefined>>;
  /** A session with the system's first instance that tells the tracer of its writes. */
  connectTraced(tracer: ClientTracer): Promise<BenchClient>;
  /** Another instance with a session of its own; it goes with what is returned. */
  declare(): Promise<{ readonly client: BenchClient } & AsyncDisposable>;
  /** Idle instances besides; resolves when they are served. They go with what is returned. */
  declareIdle(count: number): Promise<AsyncDisposable>;
}

/** An instance in local mode, with all that it stands on; everything ends with it. */
export async function startFaaSKeeper(
  directory: string,
  say: (line: string) => void,
  name: OwnSystem = 'faaskeeper',
): Promise<FaaSKeeperSystem> {
  const running: (RunningServer | LocalFaaSKeeper)[] = [];
  const stop = async () => {
    for (const part of running.reverse()) await part.stop();
  };
  const keep = async <T extends RunningServer>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    running.push(server);
    return server;
  };
  try {
    const place = (name: string) => ({ dataDir: join(directory, name), onProgress: say });
    const [nats, redis, s3] = await Promise.all([
      keep(startNats(place('nats'))),
      keep(startRedis(place('redis'))),
      keep(startS3({ ...place('s3'), kind: 'minio' })),
    ]);
    const natsAddress = { url: nats.address, ...nats.system };
    const socket = join(directory, 'probe.sock');
    const gateway = {
      FAASKEEPER_MAX_CLIENT_CONNECTIONS: '0',
      FAASKEEPER_BENCH_PROBE: socket,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${join(import.meta.dirname, '../load/probe.ts')}`,
    };
    const around = { nats: natsAddress, redisUrl: redis.url, s3: s3.s3, logLevel: 'warn' };
    const userStorage = name === 'hybrid' ? ({ type: 'Hybrid' } as const) : ({ type: 'S3' } as const);
    const options = { ...around, gateway, instance: { userStorage }, onEvent: say };
    const local = await startLocal({ home: join(directory, 'home'), ...options });
    running.push(local);
    const pids = () => ({
      nats: nats.process.pid,
      redis: redis.process.pid,
      s3: s3.process.pid,
      ...Object.fromEntries(Object.values(local.processes).map(({ name, pid }) => [name, pid])),
    });
    const servers = {
      instance: local.instance,
      stores: { nats: natsAddress, redis: { url: redis.url }, s3: s3.s3 },
      redisUrl: redis.url,
      triggerUrl: local.processes.trigger.address,
      functionUrls: Object.fromEntries(functionNames.map((one) => [one, local.processes[one].address])) as Record<
        FunctionName,
        string
      >,
    };
    const others = new OtherInstances(servers, userStorage);
    return {
      name,
      hasCache: true,
      wire: {
        host: loopback,
        port: local.processes.gateway.port,
        memory: () => memoryOf(socket),
        cpuMs: () => cpuMsOf(Object.values(pids())),
        residentBytes: () => residentBytesOf(Object.values(pids())),
      },
      pids,
      versions: {
        NATS: await versionOf(nats.process.spec.command),
        Redis: await versionOf(redis.process.spec.command),
        MinIO: serverPackages.minio.version,
      },
      servers,
      declare: () => others.declare(),
      declareIdle: (count) => others.declareIdle(count),
      connect: (options) => connect({ binding: local.bindingDir }, options?.cache ?? true),
      connectTraced: (tracer) => connect({ binding: local.bindingDir, tracer }, false),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What the probe in the gateway says. */
async function memoryOf(path: string): Promise<Memory> {
  const socket = connectSocket(path);
  await once(socket, 'connect');
  const { rss, heapUsed, external } = JSON.parse(await text(socket)) as NodeJS.MemoryUsage;
  return { resident: rss, live: heapUsed + external };
}
