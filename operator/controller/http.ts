import { once } from 'node:events';
import { createServer } from 'node:http';
import { type About, answerAbout } from '@faaskeeper/functions/about';

/** Probes and metrics. Resolves with how to end it. */
export async function serveHttp(
  { host, port }: { readonly host: string; readonly port: number },
  about: About,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => void answerAbout(request.url, response, about));
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
