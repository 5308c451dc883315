import type { Connection } from '../connection/connection.ts';
import { environment, monitored } from './answers.ts';
import type { Facts } from './facts.ts';
import { operationText } from './operations.ts';

/** The commands of ZooKeeper's admin server, so far as what they tell exists here; the fields have its names. */
export const COMMANDS: Readonly<Record<string, (facts: Facts) => Readonly<Record<string, unknown>>>> = {
  ruok: () => ({}),
  is_read_only: () => ({ read_only: false }),
  configuration: ({ settings }) => ({
    client_port: settings.clientPort,
    max_client_cnxns: settings.maxClientCnxns,
    server_id: settings.serverId,
  }),
  connections: ({ connections }) => ({ connections: connections.map(full), secure_connections: [] }),
  environment: ({ version }) => environment(version),
  monitor: (facts) => monitor(facts),
  server_stats: (facts) => stats(facts),
  stats: (facts) => ({ ...stats(facts), connections: facts.connections.map(brief), secure_connections: [] }),
  stat_reset: ({ effects }) => {
    effects.resetCounters();
    return {};
  },
  connection_stat_reset: ({ effects }) => {
    effects.resetConnections();
    return {};
  },
  dump: ({ connections }) => ({
    sessions: connections.flatMap(({ engine }) =>
      engine === undefined ? [] : [{ session_id: engine.session.id, session_timeout: engine.session.timeout }],
    ),
  }),
  watch_summary: ({ connections }) => {
    const watching = connections.filter((one) => armed(one) > 0);
    return {
      num_connections: watching.length,
      num_paths: new Set(watching.flatMap(watched)).size,
      num_total_watches: watching.reduce((sum, one) => sum + armed(one), 0),
    };
  },
  watches: ({ connections }) => ({
    session_id_to_watched_paths: Object.fromEntries(
      connections
        .filter((one) => watched(one).length > 0)
        .map((one) => [String(one.engine?.session.id ?? 0), watched(one)]),
    ),
  }),
  watches_by_path: ({ connections }) => {
    const sessions = new Map<string, number[]>();
    for (const one of connections) {
      for (const path of watched(one)) sessions.set(path, [...(sessions.get(path) ?? []), one.engine?.session.id ?? 0]);
    }
    return { path_to_session_ids: Object.fromEntries(sessions) };
  },
};

/** Other names of the same: those of the four-letter words. */
const ALIASES: Readonly<Record<string, string>> = {
  isro: 'is_read_only',
  conf: 'configuration',
  config: 'configuration',
  cons: 'connections',
  envi: 'environment',
  env: 'environment',
  mntr: 'monitor',
  srvr: 'server_stats',
  stat: 'stats',
  srst: 'stat_reset',
  crst: 'connection_stat_reset',
  wchs: 'watch_summary',
  wchc: 'watches',
  wchp: 'watches_by_path',
};

/** The answer to `/commands/NAME`; what is unknown is answered with 200 and an error, as ZooKeeper does. */
export function answerCommand(name: string, facts: Facts): Readonly<Record<string, unknown>> {
  const command = ALIASES[name] ?? name;
  const answer = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (answer === undefined) return { command: name, error: `Unknown command: ${name}` };
  return { ...answer(facts), command, error: null };
}

function armed({ engine }: Connection): number {
  return engine?.watches.armed ?? 0;
}

function watched({ engine }: Connection): string[] {
  return engine?.watches.watchedPaths() ?? [];
}

function brief(one: Connection) {
  return {
    remote_socket_address: `${one.address}:${one.port}`,
    outstanding_requests: one.outstanding,
    packets_received: one.received,
    packets_sent: one.sent,
  };
}

function full(one: Connection) {
  const { served, engine } = one;
  return {
    ...brief(one),
    session_id: engine?.session.id ?? 0,
    last_operation: operationText(served?.lastOperation ?? 'NA'),
    established: one.since,
    session_timeout: engine?.session.timeout ?? 0,
    last_cxid: served?.lastXid ?? 0,
    last_zxid: served?.lastZxid ?? 0,
  };
}

function stats(facts: Facts) {
  const { latency } = facts;
  return {
    version: facts.version,
    read_only: false,
    server_stats: {
      packets_sent: facts.sent,
      packets_received: facts.received,
      last_processed_zxid: facts.zxid,
      outstanding_requests: facts.outstanding,
      server_state: 'standalone',
      avg_latency: latency.avg,
      max_latency: Math.round(latency.max),
      min_latency: Math.round(latency.min),
      num_alive_client_connections: facts.connections.length,
      uptime: Math.round(facts.uptimeMs),
    },
    node_count: facts.cachedNodes,
  };
}

/** What mntr tells, without the prefix of its names. */
function monitor(facts: Facts): Record<string, unknown> {
  const values = Object.entries(monitored(facts)).map(([name, value]) => [name.replace(/^zk_/, ''), value]);
  return { ...Object.fromEntries(values), avg_latency: facts.latency.avg };
}
