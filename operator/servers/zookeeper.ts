/** Apache ZooKeeper 3.9, standalone: what the benchmark compares with, and the reference for semantics. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServerError } from './errors.ts';
import { defaultCacheDir, type FindOptions } from './find.ts';
import { withLock } from './install/lock.ts';
import { run } from './install/run.ts';
import { which } from './install/which.ts';
import { freePorts, loopback } from './ports.ts';
import { converse } from './probes.ts';
import { launch, settle } from './running.ts';
import type { RunningServer, StartOptions } from './types.ts';
import { zookeeperVersion } from './versions.ts';

const byHand = 'Install a JDK and Maven: `sudo apt-get install default-jre-headless maven`.';

export interface ZooKeeperServer extends RunningServer {
  /** `host:port`, as ZooKeeper's clients want it. */
  readonly connectString: string;
}

/** The directory with ZooKeeper's jars, fetched from Maven Central on first use. */
export async function findZooKeeper(options: FindOptions = {}): Promise<string> {
  const { cacheDir = defaultCacheDir(), onProgress = () => {}, signal } = options;
  const directory = join(cacheDir, 'servers', `zookeeper-${zookeeperVersion}`);
  return withLock(join(cacheDir, 'servers', '.zookeeper.lock'), { signal }, async () => {
    if ((await readdir(directory).catch(() => [])).length > 0) return directory;
    if ((await which('mvn')) === undefined) throw new ServerError('NOT_INSTALLED', `Maven is missing. ${byHand}`);
    onProgress(`downloading ZooKeeper ${zookeeperVersion} (Maven Central)`);
    const into = await mkdtemp(join(cacheDir, 'servers', '.zookeeper-'));
    try {
      await writeFile(join(into, 'pom.xml'), pom);
      const jars = join(into, 'jars');
      await run(
        'mvn',
        ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`],
        { cwd: into, signal },
      );
      await rename(jars, directory);
    } finally {
      await rm(into, { recursive: true, force: true });
    }
    return directory;
  });
}

/** Starts one ZooKeeper server that flushes its log to disk before it answers (`forceSync`, its default). */
export function startZooKeeper(options: StartOptions): Promise<ZooKeeperServer> {
  return startMember(options);
}

/** Starts an ensemble of three on this machine; each has its own directory below `dataDir`. */
export async function startZooKeeperEnsemble(options: Omit<StartOptions, 'port'>): Promise<ZooKeeperServer[]> {
  const ids = [1, 2, 3];
  const ports = await freePorts(ids.length * 2, options.host);
  const servers = ids.map((id, i) => `server.${id}=${loopback}:${ports[i * 2]}:${ports[i * 2 + 1]}`).join('\n');
  const places = ids.map((id) => join(options.dataDir, String(id)));
  for (const [i, place] of places.entries()) {
    await mkdir(join(place, 'data'), { recursive: true, mode: 0o700 });
    await writeFile(join(place, 'data/myid'), String(ids[i]));
  }
  const config = `initLimit=20\nsyncLimit=10\n${servers}\n`;
  const started = await Promise.allSettled(places.map((dataDir) => startMember({ ...options, dataDir }, config)));
  const members = started.flatMap((member) => (member.status === 'fulfilled' ? [member.value] : []));
  const failure = started.find((member) => member.status === 'rejected');
  if (failure === undefined) return members;
  await Promise.all(members.map((member) => member.stop()));
  throw failure.reason;
}

/** `config`: lines of zoo.cfg besides; a member of an ensemble answers when it has a leader. */
async function startMember(options: StartOptions, config = ''): Promise<ZooKeeperServer> {
  if ((await which('java')) === undefined) throw new ServerError('NOT_INSTALLED', `Java is missing. ${byHand}`);
  const jars = await findZooKeeper(options);
  const place = await settle('ZooKeeper', options);
  const { host, port, dataDir } = place;
  const [adminPort] = await freePorts(1, host);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const configFile = join(dataDir, 'zoo.cfg');
  await writeFile(
    configFile,
    `tickTime=2000
dataDir=${join(dataDir, 'data')}
clientPortAddress=${host}
clientPort=${port}
maxClientCnxns=0
admin.enableServer=false
admin.serverPort=${adminPort}
extendedTypesEnabled=true
4lw.commands.whitelist=*
forceSync=yes
${config}`,
  );
  const server = await launch(
    {
      title: 'ZooKeeper',
      scheme: 'http',
      command: 'java',
      args: [
        '-Xmx512m',
        '-Dzookeeper.extendedTypesEnabled=true',
        '-cp',
        join(jars, '*'),
        'org.apache.zookeeper.server.quorum.QuorumPeerMain',
        configFile,
      ],
      ready: () => (config === '' ? converse(host, port, 'ruok', 'imok') : converse(host, port, 'srvr', 'Mode: ')),
    },
    place,
    options,
  );
  return Object.assign(server, { connectString: `${host}:${port}` });
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>io.faaskeeper</groupId>
  <artifactId>zookeeper-download</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.zookeeper</groupId>
      <artifactId>zookeeper</artifactId>
      <version>${zookeeperVersion}</version>
    </dependency>
    <dependency>
      <groupId>io.dropwizard.metrics</groupId>
      <artifactId>metrics-core</artifactId>
      <version>4.1.12.1</version>
    </dependency>
    <dependency>
      <groupId>org.xerial.snappy</groupId>
      <artifactId>snappy-java</artifactId>
      <version>1.1.10.5</version>
    </dependency>
  </dependencies>
</project>
`;
