import { startZooKeeper, zookeeperVersion } from 'faaskeeper/servers';
import type { BenchSystem } from '../client.ts';
import { versionOf } from '../machine.ts';
import { ZooKeeperClient } from '../zookeeper/client.ts';

/**
 * A node of 1 MiB does not fit ZooKeeper's default bound of a message (1 MiB less one byte), and the server keeps the
 * last 500 requests in memory: of this size they need more than a small heap.
 */
const javaOptions = `-Djute.maxbuffer=${8 * 1024 * 1024} -Xmx2g`;

/** A standalone server that syncs its log before it answers, as it does by default; or the one at `address`. */
export async function startZooKeeperSystem(
  directory: string,
  say: (line: string) => void,
  address?: string,
): Promise<BenchSystem> {
  if (address !== undefined) {
    const [host = '', port = ''] = address.split(':');
    return systemAt(host, Number(port), { ZooKeeper: 'given by address' }, async () => {});
  }
  // Java prefers what it finds here to its command line: only the bench needs it.
  process.env._JAVA_OPTIONS = javaOptions;
  const server = await startZooKeeper({ dataDir: directory, onProgress: say });
  const versions = { ZooKeeper: zookeeperVersion, Java: await versionOf('java', ['-version']) };
  return systemAt(server.host, server.port, versions, () => server.stop());
}

function systemAt(
  host: string,
  port: number,
  versions: Readonly<Record<string, string>>,
  stop: () => Promise<void>,
): BenchSystem {
  return {
    name: 'zookeeper',
    hasCache: false,
    versions,
    connect: () => ZooKeeperClient.connect(host, port),
    [Symbol.asyncDispose]: stop,
  };
}
