import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Gateway } from './gateway.ts';
import { monitored } from './words/index.ts';

export interface AdminOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly connected: () => boolean;
}

/** Probes, metrics, and ZooKeeper's admin commands as JSON. */
export async function startAdmin(
  gateway: Gateway,
  options: AdminOptions,
): Promise<{ port: number; stop(): Promise<void> }> {
  const registry = metricsOf(gateway);
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://admin').pathname;
    if (path === '/health/live') text(response, 200, 'live');
    else if (path === '/health/ready') {
      if (options.connected()) text(response, 200, 'ready');
      else text(response, 503, 'NATS is not connected');
    } else if (path === '/metrics') {
      void registry.metrics().then((body) => text(response, 200, body, registry.contentType));
    } else if (path.startsWith('/commands')) command(gateway, path, response);
    else text(response, 404, 'not found');
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    stop: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const COMMANDS = ['monitor', 'ruok', 'is_read_only', 'connections', 'configuration'] as const;

/** One answer for each port that the gateway listens on. */
function command(gateway: Gateway, path: string, response: ServerResponse): void {
  const name = path.split('/')[2] ?? '';
  const facts = gateway.facts();
  const answers = {
    ruok: () => ({}),
    is_read_only: () => ({ read_only: false }),
    monitor: () => facts.map((one) => ({ instance: one.instance, port: one.port, ...monitored(one) })),
    configuration: () => facts.map((one) => ({ instance: one.instance, ...one.settings })),
    connections: () =>
      facts.map(({ instance, connections }) => ({
        instance,
        connections: connections.map((one) => ({
          remote: `${one.address}:${one.port}`,
          session_id: one.engine?.session.id ?? 0,
          session_timeout: one.engine?.session.timeout ?? 0,
          outstanding_requests: one.outstanding,
          packets_received: one.received,
          packets_sent: one.sent,
          last_zxid: one.served?.lastZxid ?? 0,
          established: one.since,
        })),
      })),
  };
  if (name === '') json(response, 200, { commands: COMMANDS });
  else if (name in answers) {
    json(response, 200, { command: name, error: null, result: answers[name as keyof typeof answers]() });
  } else json(response, 404, { command: name, error: `there is no command ${name}` });
}

function metricsOf(gateway: Gateway): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ program: 'gateway' });
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, value: (one: ReturnType<Gateway['facts']>[number]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['instance', 'port'],
      registers: [registry],
      collect() {
        for (const one of gateway.facts()) this.set({ instance: one.instance, port: String(one.port) }, value(one));
      },
    });
  gauge('faaskeeper_gateway_connections', 'Open connections', ({ connections }) => connections.length);
  gauge('faaskeeper_gateway_outstanding_requests', 'Requests without an answer', ({ outstanding }) => outstanding);
  gauge('faaskeeper_gateway_received', 'Requests received since the start', ({ received }) => received);
  gauge('faaskeeper_gateway_sent', 'Replies and events sent since the start', ({ sent }) => sent);
  gauge('faaskeeper_gateway_cached_bytes', 'Bytes of the near-cache', ({ cachedBytes }) => cachedBytes);
  gauge('faaskeeper_gateway_zxid', 'Newest zxid known', ({ zxid }) => zxid);
  return registry;
}

function text(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}

function json(response: ServerResponse, status: number, body: unknown): void {
  text(response, status, `${JSON.stringify(body)}\n`, 'application/json');
}
