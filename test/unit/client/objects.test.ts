import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ObjectRequests } from '@faaskeeper/objects';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A store that answers as it is told, and remembers what it was asked. */
async function store(answer: Answer, now?: () => number) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      asked.push(request);
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const objects = new ObjectRequests({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/below/`,
    region: 'eu-west-1',
    bucket: 'bucket',
    keys: () => ({ accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'token' }),
    sockets: 4,
    connectMs: 1_000,
    requestMs: 5_000,
    ...(now === undefined ? {} : { now }),
  });
  return {
    objects,
    asked,
    async [Symbol.asyncDispose]() {
      objects.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const AWAY_MS = 3 * 3_600_000;
const dateOf = ({ headers }: IncomingMessage) =>
  Date.parse(String(headers['x-amz-date']).replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'));

test('requests are path-style below the endpoint, signed, with the token of temporary keys', async () => {
  await using one = await store((_, response) => response.setHeader('etag', '"1"').end());
  expect(await one.objects.put("a/b (c)'d", new Uint8Array(3), { 'if-none-match': '*' })).toEqual({ etag: '"1"' });
  const [{ url, method, headers }] = one.asked as [IncomingMessage];
  expect([method, url]).toEqual(['PUT', '/below/bucket/a/b%20%28c%29%27d']);
  expect(headers).toMatchObject({
    'content-length': '3',
    'if-none-match': '*',
    'x-amz-security-token': 'token',
    'x-amz-content-sha256': '709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c',
  });
  expect(headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=id\/\d{8}\/eu-west-1\/s3\/aws4_request, SignedHeaders=[^,]*host;if-none-match;/,
  );
});

test('a wrong clock is corrected by what the store says, and stays corrected', async () => {
  const away = () => Date.now() - AWAY_MS;
  await using one = await store((request, response) => {
    const late = Math.abs(dateOf(request) - Date.now()) > 15 * 60_000;
    response.writeHead(late ? 403 : 200, { date: new Date().toUTCString(), etag: '"1"' });
    response.end(late ? '<Error><Code>RequestTimeTooSkewed</Code></Error>' : '');
  }, away);
  await one.objects.put('a', new Uint8Array(1), {});
  await one.objects.put('a', new Uint8Array(1), {});
  expect(one.asked).toHaveLength(3);
});

test('what is refused or fails is asked for once, and told by the code of the store', async () => {
  let status = 403;
  await using one = await store((_, response) => {
    response.writeHead(status).end(`<Error><Code>SlowDown</Code><Message>no</Message></Error>`);
  });
  for (status of [403, 412, 500, 503]) {
    const put = one.objects.put('a', new Uint8Array(1), {});
    await expect(put).rejects.toMatchObject({ name: 'SlowDown', message: 'no', status });
  }
  expect(one.asked).toHaveLength(4);
});

test('an object comes whole, in however many pieces it was sent', async () => {
  const body = Buffer.alloc(300_000, 'abc');
  await using one = await store((_, response) => response.setHeader('etag', '"1"').end(body));
  const got = await one.objects.get('a');
  expect(Buffer.compare(got.body, body)).toBe(0);
});

test('a request that is given up ends with the reason, before and after it was sent', async () => {
  const asked = Promise.withResolvers<void>();
  await using one = await store(() => asked.resolve());
  const reason = new Error('enough');
  await expect(one.objects.get('a', AbortSignal.abort(reason))).rejects.toBe(reason);
  const giveUp = new AbortController();
  const waiting = one.objects.get('a', giveUp.signal);
  await asked.promise;
  giveUp.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test('a store that breaks the connection is an error, not an empty object', async () => {
  await using one = await store((_, response) => {
    response.writeHead(200, { 'content-length': '10' });
    response.write('half', () => response.destroy());
  });
  await expect(one.objects.get('a')).rejects.toThrow();
});
