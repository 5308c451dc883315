/** Three ZooKeeper servers that form an ensemble, as ZooKeeper's own scripts start them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findZooKeeper, freePorts } from '../../../operator/servers/index.ts';
import { type Usage, usageOf } from './cost.ts';
import { until } from './until.ts';
import { WireSession } from './wire.ts';

const SERVERS = [1, 2, 3] as const;

export interface Ensemble extends AsyncDisposable {
  cost(): Promise<Usage>;
}

export async function startEnsemble(): Promise<Ensemble> {
  const jars = await findZooKeeper();
  const directory = await mkdtemp(join(tmpdir(), 'faaskeeper-ensemble-'));
  const ports = await freePorts(SERVERS.length * 3);
  const port = (server: number, what: number) => ports[(server - 1) * 3 + what] as number;
  const members = SERVERS.map((server) => `server.${server}=127.0.0.1:${port(server, 1)}:${port(server, 2)}`);
  const children: ChildProcess[] = [];
  const stop = async () => {
    const gone = children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(gone);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const server of SERVERS) {
      const data = join(directory, String(server));
      await mkdir(data);
      await writeFile(join(data, 'myid'), String(server));
      const settings = ['tickTime=2000', 'initLimit=10', 'syncLimit=5', 'admin.enableServer=false', `dataDir=${data}`];
      const config = [...settings, 'clientPortAddress=127.0.0.1', `clientPort=${port(server, 0)}`, ...members];
      await writeFile(join(data, 'zoo.cfg'), `${config.join('\n')}\n`);
      const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
      // 1,000 MB of heap is what zkServer.sh gives.
      const args = ['-Xmx1000m', '-cp', join(jars, '*'), main, join(data, 'zoo.cfg')];
      children.push(spawn('java', args, { stdio: 'ignore' }));
    }
    const session = await until(() => WireSession.open({ host: '127.0.0.1', port: port(1, 0) }), { timeoutMs: 60_000 });
    await session.create('/used', 'once');
    session.close();
  } catch (error) {
    await stop();
    throw error;
  }
  const cost = async () => {
    const all = children.map(({ pid }) => usageOf(pid as number));
    return {
      memoryBytes: all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
      cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    };
  };
  return { cost, [Symbol.asyncDispose]: stop };
}
