import type { NatsConnection } from 'nats';
import { natsRequest } from '../../../functions/stores/nats/requests.ts';
import { servers, uniqueId } from '../../support/servers.ts';
import { openTestStores } from '../../support/stores.ts';

let nats: NatsConnection;
beforeAll(async () => {
  ({ nats } = await openTestStores(servers()));
});
afterAll(() => nats.close());

test('each request gets its own answer, in whatever order they come', async () => {
  const subject = uniqueId();
  const waiting: (() => void)[] = [];
  nats.subscribe(subject, { callback: (_, message) => waiting.unshift(() => message.respond(message.data)) });
  const asked = ['a', 'b', 'c'].map((text) => natsRequest(nats, subject, text, { timeoutMs: 5_000 }));
  await nats.flush();
  for (const answer of waiting) answer();
  expect((await Promise.all(asked)).map((message) => message.string())).toEqual(['a', 'b', 'c']);
});

test('where nobody listens, that is said at once', async () => {
  await expect(natsRequest(nats, uniqueId(), 'x', { timeoutMs: 60_000 })).rejects.toMatchObject({ code: '503' });
});

test('a request without an answer ends, and a late answer harms nobody', async () => {
  const subject = uniqueId();
  let late: (() => void) | undefined;
  nats.subscribe(subject, {
    callback: (_, message) => {
      late = () => message.respond('late');
    },
  });
  await expect(natsRequest(nats, subject, 'x', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  late?.();
  await nats.flush();
});

test('a connection that closes ends what waits, and takes nothing more', async () => {
  const own = await openTestStores(servers());
  const subject = uniqueId();
  nats.subscribe(subject, { callback: () => undefined });
  await nats.flush();
  const waiting = natsRequest(own.nats, subject, 'x', { timeoutMs: 60_000 });
  const ended = expect(waiting).rejects.toMatchObject({ name: 'NatsError' });
  await own.nats.flush();
  await own.nats.close();
  await ended;
  await expect(natsRequest(own.nats, subject, 'x', { timeoutMs: 60_000 })).rejects.toMatchObject({
    code: 'CONNECTION_CLOSED',
  });
});
