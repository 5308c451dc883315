import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { FaaSKeeper } from '@faaskeeper/client';
import type { StoresConfig } from '@faaskeeper/functions/stores';
import { type LocalFaaSKeeper, startLocal } from 'faaskeeper/local';
import { loopback, type RunningServer, serverPackages, startNats, startRedis, startS3 } from 'faaskeeper/servers';
import type { BenchClient, BenchSystem, Memory } from '../client.ts';
import { cpuMsOf, versionOf } from '../machine.ts';

/** What the parts of the system can be reached by, for what is measured without it. */
export interface SystemServers {
  readonly instance: string;
  readonly stores: StoresConfig;
  readonly redisUrl: string;
  readonly writerUrl: string;
  readonly triggerUrl: string;
}

export interface FaaSKeeperSystem extends BenchSystem {
  readonly servers: SystemServers;
  /** Its processes, by name. */
  pids(): Readonly<Record<string, number | undefined>>;
}

/** An instance in local mode, with all that it stands on; everything ends with it. */
export async function startFaaSKeeper(directory: string, say: (line: string) => void): Promise<FaaSKeeperSystem> {
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
    const options = { ...around, gateway, onEvent: say };
    const local = await startLocal({ home: join(directory, 'home'), ...options });
    running.push(local);
    const pids = () => ({
      nats: nats.process.pid,
      redis: redis.process.pid,
      s3: s3.process.pid,
      ...Object.fromEntries(Object.values(local.processes).map(({ name, pid }) => [name, pid])),
    });
    return {
      name: 'faaskeeper',
      hasCache: true,
      wire: {
        host: loopback,
        port: local.processes.gateway.port,
        memory: () => memoryOf(socket),
        cpuMs: () => cpuMsOf(Object.values(pids())),
      },
      pids,
      versions: {
        NATS: await versionOf(nats.process.spec.command),
        Redis: await versionOf(redis.process.spec.command),
        MinIO: serverPackages.minio.version,
      },
      servers: {
        instance: local.instance,
        stores: { nats: natsAddress, redis: { url: redis.url }, s3: s3.s3 },
        redisUrl: redis.url,
        writerUrl: local.processes.writer.address,
        triggerUrl: local.processes.trigger.address,
      },
      connect: (options) => connect(local.bindingDir, options?.cache ?? true),
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

async function connect(binding: string, cache: boolean): Promise<BenchClient> {
  const session = await FaaSKeeper.connect({
    binding,
    // The bench has its own limits: what is written in bulk takes long to become visible.
    requestTimeout: Number.POSITIVE_INFINITY,
    ...(cache ? {} : { cache: false }),
  });
  return {
    create: (path, data) => session.create(path, data),
    createAll: (paths) => session.multi(paths.map((path) => ({ type: 'create', path, data: null }))),
    setData: (path, data) => session.setData(path, data),
    delete: (path) => session.delete(path),
    getData: (path) => session.getData(path),
    exists: (path) => session.exists(path),
    getChildren: (path) => session.getChildren(path),
    // A session reads what it has written: the answer waits until user storage shows all of it.
    settled: (path) => session.exists(path),
    watch: (path, onChange) => session.addWatch(path, 'PERSISTENT', onChange),
    close: () => session.close(),
  };
}
