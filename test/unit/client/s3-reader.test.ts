import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { storageKeys } from '@faaskeeper/protocol';
import { type S3Keys, s3Reader } from '../../../client/transport/index.ts';

const NODE = storageKeys('i/').node('/a');
const ROOT = storageKeys('i/').node('/');

let server: Server;
/** Keys of the requests, by the access key that signed them. */
let asked: string[];
let answer: (accessKey: string, key: string) => [status: number, codeOrBody: string];

const handle: RequestListener = (request, response) => {
  const accessKey = /Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const key = (request.url ?? '').replace(/^\/b\//, '').replace(/\?.*$/, '');
  asked.push(`${accessKey} ${key}`);
  const [status, text] = answer(accessKey, key);
  response.writeHead(status, { 'content-type': status === 200 ? 'text/plain' : 'application/xml' });
  response.end(status === 200 ? text : `<Error><Code>${text}</Code><Message>m</Message></Error>`);
};

beforeEach(async () => {
  asked = [];
  server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function readerOf(renew?: () => Promise<S3Keys>) {
  const { port } = server.address() as AddressInfo;
  const keys = { accessKeyId: 'old', secretAccessKey: 's', sessionToken: 't' };
  return s3Reader({ endpoint: `http://127.0.0.1:${port}`, bucket: 'b', prefix: 'i/', ...keys, renew });
}

const renewed = async () => ({ accessKeyId: 'new', secretAccessKey: 's', sessionToken: 't2' });

test.each([
  [400, 'ExpiredToken'],
  [403, 'InvalidAccessKeyId'],
  [403, 'InvalidTokenId'],
  [403, 'AccessDenied'],
])('keys that are refused with %i %s are replaced by the renewed ones', async (status, code) => {
  answer = (accessKey) => (accessKey === 'new' ? [200, 'body'] : [status, code]);
  const reader = readerOf(renewed);
  expect(Buffer.from((await reader.get(NODE)) ?? []).toString()).toBe('body');
  expect(asked).toEqual([`old ${NODE}`, `new ${NODE}`]);
  expect(Buffer.from((await reader.get(NODE)) ?? []).toString()).toBe('body');
  expect(asked).toHaveLength(3);
  reader.close();
});

test('many reads that are refused at once ask for new keys once', async () => {
  answer = (accessKey) => (accessKey === 'new' ? [200, 'body'] : [403, 'InvalidAccessKeyId']);
  let times = 0;
  const reader = readerOf(() => {
    times++;
    return renewed();
  });
  await Promise.all(Array.from({ length: 20 }, () => reader.get(NODE)));
  expect(times).toBe(1);
  reader.close();
});

test('keys that have ended never make a node look missing', async () => {
  answer = () => [403, 'AccessDenied'];
  const reader = readerOf(async () => ({ accessKeyId: 'old', secretAccessKey: 's', sessionToken: 't' }));
  await expect(reader.get(NODE)).rejects.toMatchObject({ name: 'AccessDenied' });
  reader.close();
});

test('a store that answers 403 for a missing key is believed while the root can be read', async () => {
  answer = (_, key) => (key === ROOT ? [200, 'root'] : [403, 'AccessDenied']);
  const reader = readerOf();
  expect(await reader.get(NODE)).toBeUndefined();
  expect(asked).toEqual([`old ${NODE}`, `old ${ROOT}`]);
  reader.close();
});

test('a missing key is undefined, a missing bucket an error', async () => {
  answer = (_, key) => [404, key === NODE ? 'NoSuchKey' : 'NoSuchBucket'];
  const reader = readerOf(renewed);
  expect(await reader.get(NODE)).toBeUndefined();
  await expect(reader.get(ROOT)).rejects.toMatchObject({ name: 'NoSuchBucket' });
  reader.close();
});
