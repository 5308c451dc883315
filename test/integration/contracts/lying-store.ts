import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An S3 server that takes no notice of conditions, as some do, and fails when it is told to. */
export async function lyingStore() {
  const objects = new Map<string, Buffer>();
  const requests: string[] = [];
  let written = 0;
  const state = { requests, failures: 0 };
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const key = url.split('?')[0]!;
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => {
      requests.push(method);
      if (state.failures > 0) {
        state.failures--;
        response.writeHead(503).end();
      } else if (method === 'PUT') {
        objects.set(key, Buffer.concat(body));
        response.writeHead(200, { etag: `"${++written}"` }).end();
      } else if (method === 'DELETE') {
        objects.delete(key);
        response.writeHead(204).end();
      } else {
        const found = objects.get(key);
        if (found === undefined) response.writeHead(404).end();
        else response.writeHead(200, { etag: `"${written}"`, 'content-length': found.length }).end(found);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
