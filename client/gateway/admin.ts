import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Gateway } from './gateway.ts';
import { answerCommand, COMMANDS, type Facts } from './words/index.ts';

export interface AdminOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

export interface Admin {
  readonly port: number;
  /** Tells of this gateway from now on; before, it is not ready. */
  serve(gateway: Gateway, connected: () => boolean): void;
  stop(): Promise<void>;
}

/** Probes, metrics, and ZooKeeper's admin commands as JSON. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  let served: Gateway | undefined;
  let connected = () => false;
  const facts = () => served?.facts() ?? [];
  const registry = metricsOf(facts);
  const server = createServer((request, response) => {
    const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://admin');
    if (path === '/health/live') text(response, 200, 'live');
    else if (path === '/health/ready') {
      if (connected()) text(response, 200, 'ready');
      else text(response, 503, 'NATS is not connected');
    } else if (path === '/metrics') {
      void registry.metrics().then((body) => text(response, 200, body, registry.contentType));
    } else if (path.startsWith('/commands')) command(facts(), path, searchParams.get('port'), response);
    else text(response, 404, 'not found');
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    serve(gateway, isConnected) {
      served = gateway;
      connected = isConnected;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** As ZooKeeper's admin server answers. A gateway with several ports is asked for one of them: `?port=2181`. */
function command(all: readonly Facts[], path: string, port: string | null, response: ServerResponse): void {
  const name = path.split('/')[2] ?? '';
  if (name === '') {
    const links = Object.keys(COMMANDS).map((one) => `<a href="/commands/${one}">${one}</a>\n<br/>\n`);
    text(response, 200, links.join(''), 'text/html');
    return;
  }
  const facts = port === null && all.length === 1 ? all[0] : all.find((one) => String(one.port) === port);
  if (facts !== undefined) json(response, 200, answerCommand(name, facts));
  else {
    const ports = all.map((one) => one.port).join(', ');
    json(response, 400, { command: name, error: `Say which port is meant, as ?port=N, of ${ports}` });
  }
}

function metricsOf(all: () => readonly Facts[]): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ program: 'gateway' });
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, value: (one: Facts) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['instance', 'port'],
      registers: [registry],
      collect() {
        for (const one of all()) this.set({ instance: one.instance, port: String(one.port) }, value(one));
      },
    });
  gauge('faaskeeper_gateway_connections', 'Open connections', ({ connections }) => connections.length);
  gauge('faaskeeper_gateway_outstanding_requests', 'Requests without an answer', ({ outstanding }) => outstanding);
  gauge('faaskeeper_gateway_received', 'Requests received since the start', ({ received }) => received);
  gauge('faaskeeper_gateway_sent', 'Replies and events sent since the start', ({ sent }) => sent);
  gauge('faaskeeper_gateway_failed_reads', 'Reads of user storage that failed', ({ failedReads }) => failedReads);
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
