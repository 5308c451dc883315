/** Three nats-servers that are one JetStream cluster: streams of three replicas live through the loss of any one. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connectNats } from '@faaskeeper/functions/stores';
import {
  findServer,
  freePorts,
  loopback,
  ManagedProcess,
  type NatsClientUser,
  natsMaxPayloadBytes,
  probeHttp,
  randomSecret,
  waitFor,
  writePrivateFile,
} from '../../../operator/servers/index.ts';
import type { Network } from './network.ts';

export interface NatsNode {
  readonly name: string;
  readonly process: ManagedProcess;
  readonly host: string;
  readonly port: number;
}

export interface NatsLogin {
  readonly user: string;
  readonly password: string;
}

export interface NatsCluster {
  readonly nodes: readonly NatsNode[];
  readonly system: NatsLogin;
  readonly client: NatsLogin;
  /** Name of the node that leads a stream. */
  leader(stream: string): Promise<string>;
}

export const NODES = ['nats-1', 'nats-2', 'nats-3'] as const;

interface Settings {
  readonly name: string;
  readonly port: number;
  readonly monitoring: number;
  readonly routes: number;
  /** Where it finds the others. */
  readonly peers: readonly number[];
  readonly storeDir: string;
  readonly users: string;
}

/** Their routes to each other are links as well: `nats-1→nats-2`. */
export async function startNatsCluster(
  dataDirs: Readonly<Record<string, string>>,
  network: Network,
  client: NatsClientUser,
): Promise<NatsCluster> {
  const { path } = await findServer('nats');
  const system = { user: 'system', password: randomSecret() };
  const login = { user: client.user, password: randomSecret() };
  const rights = { publish: { allow: client.publish }, subscribe: { allow: client.subscribe } };
  const users = JSON.stringify([system, { ...login, permissions: rights }]);
  const routes = await freePorts(NODES.length);
  const nodes: NatsNode[] = [];
  for (const [at, name] of NODES.entries()) {
    const [port, monitoring] = (await freePorts(2)) as [number, number];
    const peers: number[] = [];
    for (const [other, peer] of NODES.entries()) {
      if (peer !== name) peers.push(await network.link(name, peer, { host: loopback, port: routes[other] as number }));
    }
    const dataDir = dataDirs[name] as string;
    await mkdir(dataDir, { recursive: true });
    const config = join(dataDir, 'nats.conf');
    const storeDir = join(dataDir, 'jetstream');
    await writePrivateFile(
      config,
      configuration({ name, port, monitoring, routes: routes[at] as number, peers, storeDir, users }),
    );
    const process = new ManagedProcess({
      title: name,
      command: path,
      args: ['--config', config],
      host: loopback,
      port,
      logFile: join(dataDir, 'server.log'),
      ready: () => probeHttp(`http://${loopback}:${monitoring}/healthz?js-server-only=true`),
    });
    nodes.push({ name, process, host: loopback, port });
  }
  await Promise.all(nodes.map(({ process }) => process.start()));
  const url = nodes.map(({ host, port }) => `nats://${host}:${port}`).join(',');
  const ask = async (subject: string): Promise<StreamAnswer> => {
    const connection = await connectNats({ url, ...system, name: 'nemesis' });
    try {
      return (await connection.request(subject, undefined, { timeout: 2_000 })).json<StreamAnswer>();
    } finally {
      await connection.close();
    }
  };
  await waitFor(
    async () => {
      const { error } = await ask('$JS.API.INFO');
      if (error !== undefined) throw new Error(error.description);
    },
    { timeoutMs: 30_000 },
  );
  return {
    nodes,
    system,
    client: login,
    async leader(stream) {
      const { error, cluster } = await ask(`$JS.API.STREAM.INFO.${stream}`);
      if (cluster?.leader === undefined) throw new Error(error?.description ?? `${stream} has no leader`);
      return cluster.leader;
    },
  };
}

interface StreamAnswer {
  readonly error?: { readonly description: string };
  readonly cluster?: { readonly leader?: string };
}

/** Nobody is told of other addresses that work: clients and routes go through their links only. */
function configuration({ name, port, monitoring, routes, peers, storeDir, users }: Settings): string {
  return `server_name: ${name}
listen: "${loopback}:${port}"
http: "${loopback}:${monitoring}"
max_payload: ${natsMaxPayloadBytes}
max_control_line: 65536
jetstream { store_dir: ${JSON.stringify(storeDir)}, sync_interval: always }
authorization { users: ${users} }
cluster {
  name: chaos
  listen: "${loopback}:${routes}"
  no_advertise: true
  advertise: "${loopback}:1"
  routes: [${peers.map((peer) => `"nats-route://${loopback}:${peer}"`).join(', ')}]
}
`;
}
