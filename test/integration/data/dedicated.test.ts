import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';
import { eventually } from '../../support/stores.ts';
import { openData } from './support.ts';

/** Stands before a function: counts its events by instance and hands them on. */
async function front(target: string) {
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    seen.push(String(request.headers['ce-subject']));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { 'content-length': _length, connection: _connection, host: _host, ...headers } = request.headers;
    const answer = await fetch(target, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body: Buffer.concat(chunks),
    });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test("an instance's own functions get its events, and only those; what it lacks is shared", async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using other = await startFaaSKeeper();
  await using own = await openData();
  await using writer = await front(faaskeeper.urls.writer);
  await using distributor = await front(faaskeeper.urls.distributor);
  const { spec } = faaskeeper;
  await own.data.declare({ ...spec, functions: { writer: writer.url, distributor: distributor.url } });
  const client = await faaskeeper.connect();
  await (await other.connect()).create('/elsewhere');
  let count = 0;
  // The trigger takes the change over between two batches.
  while (writer.seen.length === 0) await client.create(`/n${count++}`);
  await client.sync();
  await client.create('/after');
  expect((await client.getChildren('/')).length).toBe(count + 2);
  expect(new Set([...writer.seen, ...distributor.seen])).toEqual(new Set([spec.id]));
  expect(distributor.seen.length).toBeGreaterThan(0);

  await own.data.declare(spec);
  const before = () => writer.seen.length;
  await eventually(async () => {
    const seen = before();
    await client.create(`/n${count++}`);
    return before() === seen;
  });
  await client.close();
});
