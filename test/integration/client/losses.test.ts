import type { SessionState } from '@faaskeeper/client';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';
import { lossyClient } from '../../support/lossy-client.ts';

const text = (data: Uint8Array | null) => Buffer.from(data as Uint8Array).toString();
const isSession = (subject: string) => subject.includes('.out.s.');
const isWatermark = (subject: string) => subject.endsWith('.out.w');
const isChange = (subject: string) => subject.includes('.out.c');
const isRequest = (subject: string) => subject.includes('.req.');

test('ten pipelined requests whose replies are lost return their first results', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using lossy = await lossyClient(faaskeeper);
  const { client, messaging } = lossy;
  await client.create('/q');
  let left = 1;
  messaging.losesIncoming = (subject, payload) => isSession(subject) && payload.length > 200 && left-- > 0;
  const created = Array.from({ length: 10 }, () => client.create('/q/n-', null, { mode: 'PERSISTENT_SEQUENTIAL' }));
  expect(await Promise.all(created)).toEqual(Array.from({ length: 10 }, (_, i) => `/q/n-000000000${i}`));
  expect(messaging.lost).toBe(1);
  expect(await client.getChildren('/q')).toHaveLength(10);
});

test('requests that are lost are sent again, in order', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using lossy = await lossyClient(faaskeeper);
  const { client, messaging } = lossy;
  let left = 1;
  messaging.losesOutgoing = (subject) => isRequest(subject) && left-- > 0;
  const parent = client.create('/a');
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(messaging.lost).toBe(1);
  // The system sees the second message first and asks for what came before.
  const child = client.create('/a/b');
  expect(await Promise.all([parent, child])).toEqual(['/a', '/a/b']);
});

test('a change that is lost is told all the same when the watermark comes', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const writer = await faaskeeper.connect();
  await using lossy = await lossyClient(faaskeeper);
  const { client, messaging } = lossy;
  await writer.create('/a', '0');
  await client.sync('/');
  for (let n = 0; n < 3; n++) await client.getData('/a');
  const told: string[] = [];
  await client.getData('/a', { watch: ({ type }) => told.push(type) });
  await client.addWatch('/a', 'PERSISTENT', ({ type }) => told.push(`persistent ${type}`));
  messaging.losesIncoming = isChange;
  const { mzxid } = await writer.setData('/a', '1');
  await client.sync('/');
  expect(messaging.lost).toBeGreaterThan(0);
  expect(told).toEqual(['persistent NodeDataChanged', 'NodeDataChanged']);
  const { data, stat } = await client.getData('/a');
  expect([text(data), stat.mzxid]).toEqual(['1', mzxid]);
  // Deleted and created again unheard: czxid tells.
  told.length = 0;
  await writer.multi([
    { type: 'delete', path: '/a' },
    { type: 'create', path: '/a', data: '2' },
  ]);
  await client.sync('/');
  expect(told).toEqual(['persistent NodeDeleted', 'persistent NodeCreated']);
});

test('a recursive watch that missed something says so by a moment of suspension', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const writer = await faaskeeper.connect();
  await using lossy = await lossyClient(faaskeeper);
  const { client, messaging } = lossy;
  await writer.create('/r');
  const states: SessionState[] = [];
  client.on('state', (state) => states.push(state));
  await client.addWatch('/r', 'PERSISTENT_RECURSIVE', () => undefined);
  await writer.create('/r/heard');
  await client.sync('/');
  expect(states).toEqual([]);
  messaging.losesIncoming = isChange;
  await writer.create('/r/unheard');
  await client.sync('/');
  expect(states).toEqual(['suspended', 'connected']);
});

test('a recursive watch that missed one of several changes of a transaction says so', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const writer = await faaskeeper.connect();
  await using lossy = await lossyClient(faaskeeper);
  const { client, messaging } = lossy;
  await writer.create('/r');
  const states: SessionState[] = [];
  client.on('state', (state) => states.push(state));
  await client.addWatch('/r', 'PERSISTENT_RECURSIVE', () => undefined);
  const two = (first: string, second: string) =>
    writer.multi([
      { type: 'create', path: first },
      { type: 'create', path: second },
    ]);
  await two('/r/1', '/r/2');
  await client.sync('/');
  expect(states).toEqual([]);
  messaging.losesIncoming = (subject, payload) => isChange(subject) && Buffer.from(payload).includes('/r/3');
  await two('/r/3', '/r/4');
  await client.sync('/');
  expect([messaging.lost > 0, states]).toEqual([true, ['suspended', 'connected']]);
});

test('a watermark that is lost shows in the next one', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const writer = await faaskeeper.connect();
  await using lossy = await lossyClient(faaskeeper);
  const { client, messaging } = lossy;
  await writer.create('/a', '0');
  await client.sync('/');
  for (let n = 0; n < 3; n++) await client.getData('/a');
  const told: string[] = [];
  await client.exists('/a', { watch: ({ type }) => told.push(type) });
  messaging.losesIncoming = (subject) => isWatermark(subject) || isChange(subject);
  await writer.setData('/a', '1');
  await writer.sync('/');
  messaging.losesIncoming = () => false;
  await writer.create('/other');
  await client.sync('/');
  expect(told).toEqual(['NodeDataChanged']);
  expect(text((await client.getData('/a')).data)).toBe('1');
});

test('a watermark that is lost before a pause is made good by the next beat', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const writer = await faaskeeper.connect();
  await using lossy = await lossyClient(faaskeeper, { sessionTimeout: 4_000 });
  const { client, messaging } = lossy;
  await writer.create('/a', '0');
  await client.sync('/');
  const changed = new Promise<string>((resolve) => {
    void client.exists('/a', { watch: ({ type }) => resolve(type) });
  });
  await client.sync('/');
  messaging.losesIncoming = isWatermark;
  await writer.setData('/a', '1');
  expect(await changed).toBe('NodeDataChanged');
  expect(text((await client.getData('/a')).data)).toBe('1');
});

test('after a broken connection the session is attached again, and tells what it missed', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const writer = await faaskeeper.connect();
  await using lossy = await lossyClient(faaskeeper);
  const { client, messaging } = lossy;
  await Promise.all([client.create('/a', '0'), client.create('/p'), client.create('/e', null, { mode: 'EPHEMERAL' })]);
  const told: string[] = [];
  await client.getData('/a', { watch: ({ type, path }) => told.push(`${type} ${path}`) });
  await client.getChildren('/p', { watch: ({ type, path }) => told.push(`${type} ${path}`) });
  await client.exists('/new', { watch: ({ type, path }) => told.push(`${type} ${path}`) });
  const states: SessionState[] = [];
  client.on('state', (state) => states.push(state));
  messaging.break();
  expect(client.state).toBe('suspended');
  const waiting = [client.create('/waits'), client.getData('/a').then(({ data }) => text(data))];
  await writer.setData('/a', '1');
  await writer.create('/p/c');
  await writer.create('/new');
  await writer.sync('/');
  expect(told).toEqual([]);
  messaging.mend();
  expect(await Promise.all(waiting)).toEqual(['/waits', '1']);
  expect(states).toEqual(['suspended', 'connected']);
  expect(told).toEqual(['NodeDataChanged /a', 'NodeChildrenChanged /p', 'NodeCreated /new']);
  expect((await client.exists('/e'))?.ephemeralOwner).toBe(client.sessionId);
});

test('a request that was done but not answered before the connection broke is not done twice', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const writer = await faaskeeper.connect();
  await using lossy = await lossyClient(faaskeeper);
  const { client, messaging } = lossy;
  await client.create('/q');
  messaging.losesIncoming = isSession;
  const created = client.create('/q/n-', null, { mode: 'PERSISTENT_SEQUENTIAL' });
  do await writer.sync('/');
  while ((await writer.getChildren('/q')).length === 0);
  messaging.break();
  messaging.losesIncoming = () => false;
  messaging.mend();
  expect(await created).toBe('/q/n-0000000000');
  expect(await client.getChildren('/q')).toEqual(['n-0000000000']);
});

test('a session that is not answered serves nothing, and learns in the end that it has expired', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const other = await faaskeeper.connect();
  await using lossy = await lossyClient(faaskeeper, { sessionTimeout: 4_000 });
  const { client, messaging } = lossy;
  await client.create('/e', null, { mode: 'EPHEMERAL' });
  for (let n = 0; n < 3; n++) await client.getData('/e');
  const states: SessionState[] = [];
  client.on('state', (state) => states.push(state));
  const gone = new Promise<void>((resolve) => {
    void other.exists('/e', { watch: () => resolve() });
  });
  const suspended = new Promise<void>((resolve) => client.on('state', () => resolve()));
  messaging.losesOutgoing = () => true;
  await suspended;
  expect(client.state).toBe('suspended');
  expect(await other.exists('/e')).not.toBeNull();
  const read = client.getData('/e');
  read.catch(() => undefined);
  await gone;
  messaging.losesOutgoing = () => false;
  await expect(read).rejects.toMatchObject({ code: 'SessionExpired' });
  expect(states).toEqual(['suspended', 'expired']);
});
