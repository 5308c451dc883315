import type { Connection } from '../connection/connection.ts';
import { type Facts, hex } from './facts.ts';
import type { Word } from './names.ts';
import { operationText } from './operations.ts';

type Answer = (facts: Facts) => string;

/** The texts of ZooKeeper's commands, so far as what they tell exists here. */
export const ANSWERS: Readonly<Record<Word, Answer>> = {
  ruok: () => 'imok',
  isro: () => 'rw',
  srvr: (facts) => summary(facts),
  stat: (facts) => summary(facts, `Clients:\n${facts.connections.map((one) => ` ${brief(one)}\n`).join('')}\n`),
  cons: ({ connections }) => `${connections.map((one) => ` ${full(one)}\n`).join('')}\n`,
  conf: ({ settings }) => lines(settings, '='),
  envi: ({ version }) => `Environment:\n${lines({ ...environment(version) }, '=')}`,
  mntr: (facts) => lines(monitored(facts), '\t'),
  dump: ({ connections }) => dump(connections),
  wchs: ({ connections }) => watchSummary(connections),
  wchc: ({ connections }) => byConnection(connections),
  wchp: ({ connections }) => byPath(connections),
  crst: ({ effects }) => {
    effects.resetConnections();
    return 'Connection stats reset.\n';
  },
  srst: ({ effects }) => {
    effects.resetCounters();
    return 'Server stats reset.\n';
  },
  dirs: () => 'datadir_size: 0\nlogdir_size: 0\n',
  gtmk: () => '0',
  stmk: () => '0',
  hash: () => '',
};

export function notListed(word: string): string {
  return `${word} is not executed because it is not in the whitelist.\n`;
}

function lines(values: Readonly<Record<string, string | number>>, between: string): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}${between}${value}\n`)
    .join('');
}

function summary(facts: Facts, clients = ''): string {
  const { latency } = facts;
  return `Zookeeper version: ${facts.version}
${clients}Latency min/avg/max: ${Math.round(latency.min)}/${latency.avg.toFixed(4)}/${Math.round(latency.max)}
Received: ${facts.received}
Sent: ${facts.sent}
Connections: ${facts.connections.length}
Outstanding: ${facts.outstanding}
Zxid: ${hex(facts.zxid)}
Mode: standalone
Node count: ${facts.cachedNodes}
`;
}

function brief(one: Connection): string {
  return `/${one.address}:${one.port}[${one.served === undefined ? 0 : 1}](queued=${one.outstanding},recved=${one.received},sent=${one.sent})`;
}

function full(one: Connection): string {
  const { served, engine } = one;
  if (served === undefined || engine === undefined) return brief(one);
  const { session } = engine;
  const more = `sid=${hex(session.id)},lop=${operationText(served.lastOperation)},est=${one.since},to=${session.timeout},lcxid=${hex(served.lastXid >>> 0)},lzxid=${hex(served.lastZxid)}`;
  return brief(one).replace(/\)$/, `,${more})`);
}

export function environment(version: string): Record<string, string> {
  return {
    'zookeeper.version': version,
    'host.name': process.env.HOSTNAME ?? 'localhost',
    'node.version': process.version,
    'os.name': process.platform,
    'os.arch': process.arch,
    'user.dir': '/',
  };
}

/** Values of mntr; the names are ZooKeeper's. */
export function monitored(facts: Facts): Record<string, string | number> {
  const watches = facts.connections.reduce((sum, { engine }) => sum + (engine?.watches.armed ?? 0), 0);
  return {
    zk_version: facts.version,
    zk_server_state: 'standalone',
    zk_avg_latency: facts.latency.avg.toFixed(4),
    zk_max_latency: Math.round(facts.latency.max),
    zk_min_latency: Math.round(facts.latency.min),
    zk_packets_received: facts.received,
    zk_packets_sent: facts.sent,
    zk_num_alive_connections: facts.connections.length,
    zk_outstanding_requests: facts.outstanding,
    zk_watch_count: watches,
    zk_uptime: Math.round(facts.uptimeMs),
    zk_cached_nodes: facts.cachedNodes,
    zk_cached_bytes: facts.cachedBytes,
  };
}

function dump(connections: readonly Connection[]): string {
  const sessions = connections.flatMap(({ engine }) => (engine === undefined ? [] : [engine.session]));
  const listed = sessions.map(({ id, timeout }) => `\t${hex(id)}\t${timeout}ms\n`).join('');
  return `Sessions of this gateway (${sessions.length}):\n${listed}`;
}

function watchSummary(connections: readonly Connection[]): string {
  const watching = connections.filter(({ engine }) => (engine?.watches.armed ?? 0) > 0);
  const paths = new Set(watching.flatMap(({ engine }) => engine?.watches.watchedPaths() ?? []));
  const total = watching.reduce((sum, { engine }) => sum + (engine?.watches.armed ?? 0), 0);
  return `${watching.length} connections watching ${paths.size} paths\nTotal watches:${total}\n`;
}

function byConnection(connections: readonly Connection[]): string {
  return connections
    .flatMap(({ engine }) => {
      const paths = engine?.watches.watchedPaths() ?? [];
      return paths.length === 0
        ? []
        : [`${hex(engine?.session.id ?? 0)}\n${paths.map((path) => `\t${path}\n`).join('')}`];
    })
    .join('')
    .concat('\n');
}

function byPath(connections: readonly Connection[]): string {
  const sessions = new Map<string, string[]>();
  for (const { engine } of connections) {
    for (const path of engine?.watches.watchedPaths() ?? []) {
      sessions.set(path, [...(sessions.get(path) ?? []), hex(engine?.session.id ?? 0)]);
    }
  }
  return `${[...sessions].map(([path, ids]) => `${path}\n${ids.map((id) => `\t${id}\n`).join('')}`).join('')}\n`;
}
