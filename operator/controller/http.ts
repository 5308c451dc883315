import { once } from 'node:events';
import { createServer } from 'node:http';

export interface HttpRoutes {
  /** Why the process cannot work now, undefined when it can. */
  readonly notReady: () => string | undefined;
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
}

/** Probes and metrics. Resolves with how to end it. */
export async function serveHttp(
  { host, port }: { readonly host: string; readonly port: number },
  routes: HttpRoutes,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, text: string, type = 'text/plain') =>
      response.writeHead(status, { 'content-type': type }).end(text);
    if (request.url === '/health/live') answer(200, 'live');
    else if (request.url === '/health/ready') {
      const reason = routes.notReady();
      answer(reason === undefined ? 200 : 503, reason ?? 'ready');
    } else if (request.url === '/metrics') {
      try {
        const { text, type } = await routes.metrics();
        answer(200, text, type);
      } catch (error) {
        answer(500, String(error));
      }
    } else answer(404, 'not found');
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
