import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { startZooKeeper, startZooKeeperEnsemble, type ZooKeeperServer, zookeeperVersion } from 'faaskeeper/servers';
import type { BenchSystem, Memory, WireServer } from '../client.ts';
import { cpuMsOf, residentBytes, residentBytesOf, versionOf } from '../machine.ts';
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
    return systemAt(
      'zookeeper',
      {
        host,
        port: Number(port),
        memory: async () => undefined,
        cpuMs: async () => undefined,
        residentBytes: async () => undefined,
      },
      { ZooKeeper: 'given by address' },
      async () => {},
    );
  }
  // Java prefers what it finds here to its command line: only the bench needs it.
  process.env._JAVA_OPTIONS = javaOptions;
  return systemOf('zookeeper', [await startZooKeeper({ dataDir: directory, onProgress: say })]);
}

/** Three servers on this machine; clients are connected to the first that leads or follows, as it comes. */
export async function startEnsembleSystem(directory: string, say: (line: string) => void): Promise<BenchSystem> {
  process.env._JAVA_OPTIONS = javaOptions;
  return systemOf('ensemble', await startZooKeeperEnsemble({ dataDir: directory, onProgress: say }));
}

async function systemOf(name: 'zookeeper' | 'ensemble', servers: readonly ZooKeeperServer[]): Promise<BenchSystem> {
  const versions = { ZooKeeper: zookeeperVersion, Java: await versionOf('java', ['-version']) };
  const [first] = servers as [ZooKeeperServer];
  const pids = () => servers.map(({ pid }) => pid);
  const wire = {
    host: first.host,
    port: first.port,
    memory: () => memoryOf(first.pid),
    cpuMs: () => cpuMsOf(pids()),
    residentBytes: () => residentBytesOf(pids()),
  };
  return systemAt(name, wire, versions, async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });
}

function systemAt(
  name: 'zookeeper' | 'ensemble',
  wire: WireServer,
  versions: Readonly<Record<string, string>>,
  stop: () => Promise<void>,
): BenchSystem {
  return {
    name,
    hasCache: false,
    wire,
    versions,
    connect: () => ZooKeeperClient.connect(wire.host, wire.port),
    [Symbol.asyncDispose]: stop,
  };
}

/** Asks Java to collect garbage, and what is left; undefined without its tools. */
async function memoryOf(pid: number | undefined): Promise<Memory | undefined> {
  if (pid === undefined) return undefined;
  const ask = (command: string) => promisify(execFile)('jcmd', [String(pid), command]);
  try {
    await ask('GC.run');
    const { stdout } = await ask('GC.heap_info');
    const used = /\bheap\b.*\bused (\d+)K/.exec(stdout)?.[1];
    if (used === undefined) return undefined;
    return { resident: await residentBytes(pid), live: Number(used) * 1024 };
  } catch {
    return undefined;
  }
}
