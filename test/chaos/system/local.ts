/** A FaaSKeeper of processes on this machine, as `npm start` has it, with a link between all that talk to each other. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connectNats, declareInstance } from '@faaskeeper/functions/stores';
import { type InstanceSpec, subjects } from '@faaskeeper/protocol';
import { buildFunctions, buildGateway } from '../../../operator/local/build.ts';
import { type FunctionSurroundings, functionProcess } from '../../../operator/local/functions.ts';
import { gatewayProcess } from '../../../operator/local/gateway.ts';
import { type FunctionName, functionNames } from '../../../operator/local/names.ts';
import {
  freePorts,
  instanceUser,
  loopback,
  ManagedProcess,
  randomSecret,
  type S3Address,
  serverPackages,
  startNats,
  startS3,
  waitFor,
} from '../../../operator/servers/index.ts';
import { versionOf } from '../../bench/machine.ts';
import { uniqueId } from '../../support/servers.ts';
import { CHAOS } from '../bounds.ts';
import { clockEnvironment, fakeTimeLibrary, setClock } from './clock.ts';
import { Component } from './component.ts';
import { type NatsLogin, NODES, startNatsCluster } from './nats-cluster.ts';
import { Network } from './network.ts';
import { redisControl, startRedisPair } from './redis.ts';
import type { LocalSystem } from './system.ts';
import { mountVolume } from './volumes.ts';

export type Topology = 'single' | 'r3';

export interface LocalSystemOptions {
  /** All data and logs. */
  readonly directory: string;
  readonly topology: Topology;
  /** NATS, Redis and S3 get file systems of their own where that is permitted. */
  readonly volumes: boolean;
  /** The programs' clocks can be set off where libfaketime is installed. */
  readonly clocks: boolean;
  readonly say: (line: string) => void;
}

interface NatsServers {
  readonly processes: ReadonlyMap<string, ManagedProcess>;
  readonly system: NatsLogin;
  readonly client: NatsLogin;
  readonly leader: LocalSystem['leader'];
}

export async function startLocalSystem(options: LocalSystemOptions): Promise<LocalSystem> {
  await using undo = new AsyncDisposableStack();
  const system = await new Assembly(options, undo).start();
  const kept = undo.move();
  return { ...system, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

class Assembly {
  readonly #options: LocalSystemOptions;
  readonly #undo: AsyncDisposableStack;
  readonly #network: Network;
  readonly #components = new Map<string, Component>();
  readonly #dataDirs: Record<string, string> = {};
  readonly #volumes = new Set<string>();
  readonly #id = uniqueId();

  constructor(options: LocalSystemOptions, undo: AsyncDisposableStack) {
    this.#options = options;
    this.#undo = undo;
    this.#network = undo.use(new Network());
  }

  async start(): Promise<Omit<LocalSystem, typeof Symbol.asyncDispose>> {
    const { directory, topology, say } = this.#options;
    await mkdir(directory, { recursive: true });
    await Promise.all([buildFunctions(), buildGateway()]);
    const isCluster = topology === 'r3';
    const stores = [...(isCluster ? NODES : ['nats']), 'redis', ...(isCluster ? ['replica'] : []), 's3'];
    for (const store of stores) await this.#place(store);
    const [nats, pair, s3] = await Promise.all([
      isCluster ? this.#cluster() : this.#nats(),
      startRedisPair({ redis: this.#dirOf('redis'), ...(isCluster ? { replica: this.#dirOf('replica') } : {}) }),
      startS3({ dataDir: this.#dirOf('s3'), kind: 'minio' }),
    ]);
    for (const [name, process] of nats.processes) this.#adopt(name, process);
    this.#adopt('redis', pair.primary.process);
    if (pair.replica !== undefined) this.#adopt('replica', pair.replica.process);
    this.#adopt('s3', s3.process);
    if (pair.replica !== undefined) await this.#network.link('replica', 'redis', pair.primary);
    const [components, network, dataDir] = [this.#components, this.#network, this.#dirOf('redis')];
    const redis = await redisControl({ pair, components, network, directory, dataDir });
    const spec = await this.#declare(nats);
    const around = { nats, redisUrl: pair.primary.url, s3: s3.s3 };
    await this.#programs(around, spec);
    say('the system is ready');
    const library = this.#options.clocks ? fakeTimeLibrary() : undefined;
    return {
      components,
      network,
      dataDirs: this.#dataDirs,
      volumes: this.#volumes,
      redis,
      leader: nats.leader,
      skew: library === undefined ? undefined : (program, ms) => setClock(directory, program, ms),
      versions: {
        NATS: await versionOf(this.#component(isCluster ? 'nats-1' : 'nats').process.spec.command),
        Redis: await versionOf(pair.primary.process.spec.command),
        MinIO: serverPackages.minio.version,
        Node: process.version,
      },
      ...(await this.#entrances(nats, s3.s3, spec)),
    };
  }

  #dirOf(store: string): string {
    return this.#dataDirs[store] as string;
  }

  #component(name: string): Component {
    return this.#components.get(name) as Component;
  }

  async #place(store: string): Promise<void> {
    const { directory, volumes, say } = this.#options;
    const place = join(directory, store);
    this.#dataDirs[store] = join(place, 'data');
    if (!volumes || store === 'replica') return;
    try {
      this.#undo.use(await mountVolume(place));
      this.#volumes.add(store);
    } catch (error) {
      say(`${store} gets no file system of its own: ${(error as Error).message.trim()}`);
    }
  }

  #adopt(name: string, process: ManagedProcess): void {
    const say = (line: string) => this.#options.say(line.split('\n')[0] as string);
    const component = new Component(name, process, say);
    this.#components.set(name, component);
    this.#undo.defer(() => component.stop());
  }

  async #nats(): Promise<NatsServers> {
    const user = instanceUser(this.#id);
    const server = await startNats({ dataDir: this.#dirOf('nats'), clients: [user] });
    return {
      processes: new Map([['nats', server.process]]),
      system: server.system,
      client: server.clients[user.user] as NatsLogin,
      leader: undefined,
    };
  }

  async #cluster(): Promise<NatsServers> {
    const cluster = await startNatsCluster(this.#dataDirs, this.#network, instanceUser(this.#id));
    const { streams } = subjects(this.#id);
    return {
      processes: new Map(cluster.nodes.map(({ name, process }) => [name, process])),
      system: cluster.system,
      client: cluster.client,
      leader: (stream) => cluster.leader(streams[stream]),
    };
  }

  /** The servers of NATS as `from` sees them. */
  async #natsUrl(from: string, { processes }: NatsServers): Promise<string> {
    const urls: string[] = [];
    for (const [name, { spec }] of processes) {
      urls.push(`nats://${loopback}:${await this.#network.link(from, name, spec)}`);
    }
    return urls.join(',');
  }

  async #linked(from: string, to: string, url: string): Promise<string> {
    const linked = new URL(url);
    linked.port = String(await this.#network.link(from, to, { host: linked.hostname, port: Number(linked.port) }));
    return linked.href.replace(/\/$/, '');
  }

  async #declare(nats: NatsServers): Promise<InstanceSpec> {
    const replicas = nats.processes.size === 3 ? 3 : 1;
    const url = [...nats.processes.values()].map(({ spec }) => `nats://${spec.host}:${spec.port}`).join(',');
    const connection = await connectNats({ url, ...nats.system, name: 'chaos' });
    try {
      const declare = () =>
        declareInstance(connection, {
          id: this.#id,
          storagePrefix: `${this.#id}/`,
          logReplicas: replicas,
          checkpointMessages: CHAOS.checkpointMessages,
        });
      // Nodes of a new cluster get to know each other first.
      return await waitFor(declare, { timeoutMs: CHAOS.nemesisMs, intervalMs: 500 });
    } finally {
      await connection.close();
    }
  }

  async #programs(around: { nats: NatsServers; redisUrl: string; s3: S3Address }, spec: InstanceSpec): Promise<void> {
    const { directory } = this.#options;
    const logDir = join(directory, 'logs');
    const names = [...functionNames, 'gateway'] as const;
    const free = await freePorts(names.length);
    const ports = Object.fromEntries(names.map((name, at) => [name, free[at]])) as Record<
      FunctionName | 'gateway',
      number
    >;
    const functionToken = randomSecret();
    const of = async (from: string): Promise<FunctionSurroundings> => ({
      nats: { url: await this.#natsUrl(from, around.nats), ...around.nats.system },
      redisUrl: await this.#linked(from, 'redis', around.redisUrl),
      s3: { ...around.s3, endpoint: await this.#linked(from, 's3', around.s3.endpoint) },
      functionToken,
      logLevel: 'info',
      ports,
    });
    const start = async (name: string, process: ManagedProcess) => {
      const own = await this.#withClock(name, process);
      await own.start();
      this.#adopt(name, own);
    };
    const workers = functionNames.filter((name) => name !== 'trigger');
    await Promise.all(workers.map(async (name) => start(name, functionProcess(name, await of(name), logDir))));
    const seen = { ...ports };
    for (const worker of workers) {
      seen[worker] = await this.#network.link('trigger', worker, { host: loopback, port: ports[worker] });
    }
    await start('trigger', functionProcess('trigger', { ...(await of('trigger')), ports: seen }, logDir));
    const gateway = { FAASKEEPER_MAX_CLIENT_CONNECTIONS: '0' };
    await start('gateway', await gatewayProcess(await of('gateway'), { ports, gateway, instance: spec, logDir }));
  }

  async #withClock(name: string, managed: ManagedProcess): Promise<ManagedProcess> {
    const { clocks, directory } = this.#options;
    const library = clocks ? fakeTimeLibrary() : undefined;
    if (library === undefined) return managed;
    const env = { ...managed.spec.env, ...(await clockEnvironment(library, directory, name)) };
    return new ManagedProcess({ ...managed.spec, env });
  }

  /** Where each client gets in, over links of its own. */
  async #entrances(nats: NatsServers, s3: S3Address, spec: InstanceSpec) {
    const { port } = this.#component('gateway').process.spec;
    const urls = new Map<number, Promise<[nats: string, s3: string]>>();
    return {
      native: async (client: number) => {
        const from = `client-${client}`;
        const known =
          urls.get(client) ?? Promise.all([this.#natsUrl(from, nats), this.#linked(from, 's3', s3.endpoint)]);
        urls.set(client, known);
        const [url, endpoint] = await known;
        return {
          instance: this.#id,
          nats: { url, ...nats.client },
          s3: { ...s3, endpoint, prefix: spec.storagePrefix },
        };
      },
      gateway: async (client: number) => {
        const from = `client-${client}`;
        const [known] = this.#network.between(from, 'gateway');
        const linked = known?.port ?? (await this.#network.link(from, 'gateway', { host: loopback, port }));
        return { host: loopback, port: linked };
      },
    };
  }
}
