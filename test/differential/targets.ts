/** The two servers of a comparison, as processes of this machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startZooKeeper, waitFor } from '../../operator/servers/index.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { privateServers } from '../support/servers.ts';
import { type Address, WireConnection } from '../support/zk-wire/index.ts';

export interface Target extends Address, AsyncDisposable {
  readonly connectString: string;
  stop(): Promise<void>;
}

/** Containers are swept by the clock: never while a sequence runs. */
const containerCheckInterval = 86_400_000;
const javaOptions = `-Dznode.container.checkIntervalMs=${containerCheckInterval} -Dzookeeper.enforceQuota=true`;
/** Of the instance that is compared. */
export const candidateInstance = { containerCheckInterval, enforceQuota: true } as const;

/** A real ZooKeeper. Throws a ServerError with code NOT_INSTALLED without Java. */
export async function startReference(): Promise<Target> {
  process.env.JDK_JAVA_OPTIONS = javaOptions;
  const dataDir = await mkdtemp(join(tmpdir(), 'faaskeeper-zookeeper-'));
  const server = await startZooKeeper({ dataDir });
  const stop = async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  const { host, port, connectString } = server;
  await waitFor(() => takesSessions({ host, port }), { timeoutMs: 20_000, intervalMs: 200 });
  return { host, port, connectString, stop, [Symbol.asyncDispose]: stop };
}

/** It answers its port a moment before it takes sessions. */
async function takesSessions(address: Address): Promise<void> {
  const connection = await WireConnection.open(address);
  try {
    if ((await connection.handshake()) === undefined) throw new Error('it takes no sessions yet');
  } finally {
    connection.destroy();
  }
}

/** A whole FaaSKeeper of its own with two gateways. */
export async function startGateway(): Promise<TestGateway> {
  const own = await privateServers();
  try {
    const gateway = await startTestGateway({
      servers: own.addresses,
      logLevel: 'warn',
      gateways: 2,
      instance: candidateInstance,
    });
    const stop = async () => {
      await gateway.stop();
      await own.stop();
    };
    return { ...gateway, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await own.stop();
    throw error;
  }
}
