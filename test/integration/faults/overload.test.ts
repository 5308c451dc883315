/** More than can be done, from many sessions that do not wait for answers. On functions of this test's own. */
import type { FaaSKeeper } from '@faaskeeper/client';
import { LIMITS, subjects } from '@faaskeeper/protocol';
import { DEFAULTS } from '../../../client/defaults.ts';
import type { OpenStores } from '../../../functions/stores/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { openTestStores } from '../../support/stores.ts';

/** Together they may have more under way than REQ holds: some of it is dropped there, and comes again. */
const SESSIONS = 16;
/** Of each session; more than it may have under way. */
const WRITES = 1.5 * LIMITS.outstandingRequests;
const DATA = new Uint8Array(2_600);
const REQ_BYTES = 32 * 1024 * 1024;
/** Data of one session that may wait in its client. */
const WAITING = DEFAULTS.waitingBytes / LIMITS.dataBytes;

let faaskeeper: TestFaaSKeeper;
let stores: OpenStores;

beforeAll(async () => {
  faaskeeper = await startFaaSKeeper({ ownFunctions: true, logLevel: 'warn' });
  stores = await openTestStores(faaskeeper.servers);
}, 60_000);

afterAll(async () => {
  await faaskeeper?.stop();
  await stores?.close();
}, 60_000);

/** Bytes that wait in REQ. */
async function requestBytes(): Promise<number> {
  const { streams } = subjects(faaskeeper.spec.id);
  const manager = await stores.nats.jetstreamManager();
  return (await manager.streams.info(streams.request)).state.bytes;
}

/** Writes all at once; resolves with the time that the slowest took, ms. */
async function offer(client: FaaSKeeper, path: string): Promise<number> {
  const begun = performance.now();
  await Promise.all(Array.from({ length: WRITES }, () => client.setData(path, DATA)));
  return performance.now() - begun;
}

test('what is admitted is done once, with bounded memory, and all is as before when the load is over', async () => {
  const clients = await Promise.all(
    Array.from({ length: SESSIONS }, () => faaskeeper.connect({ sessionTimeout: 40_000 })),
  );
  const paths = await Promise.all(clients.map((client, i) => client.create(`/n${i}`, null)));
  let most = 0;
  let over = false;
  const watching = (async () => {
    while (!over) {
      most = Math.max(most, await requestBytes());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  // None fails: each is answered within its timeout.
  const tookMs = await Promise.all(clients.map((client, i) => offer(client, paths[i] as string)));
  over = true;
  await watching;
  expect(most).toBeLessThanOrEqual(REQ_BYTES);
  for (const [i, client] of clients.entries()) {
    await client.sync(paths[i]!);
    // Each was done once.
    expect((await client.exists(paths[i]!))?.version).toBe(WRITES);
  }
  const begun = performance.now();
  await clients[0]!.setData(paths[0]!, null);
  expect(performance.now() - begun).toBeLessThan(Math.max(...tookMs) / 4);
}, 120_000);

test('what a client cannot keep is refused at once', async () => {
  const client = await faaskeeper.connect();
  const path = await client.create('/large', null);
  const abort = new AbortController();
  const data = new Uint8Array(LIMITS.dataBytes);
  const writes = Array.from({ length: WAITING + 4 }, () => client.setData(path, data, -1, { signal: abort.signal }));
  const settled = Promise.allSettled(writes);
  // In the same turn: none of them has left.
  abort.abort();
  const codes = (await settled).map((result) => (result as PromiseRejectedResult).reason.code);
  expect(codes.filter((code) => code === 'Throttled').length).toBeGreaterThanOrEqual(4);
  expect(new Set(codes)).toEqual(new Set(['Aborted', 'Throttled']));
  expect((await client.setData(path, 'goes on')).version).toBe(1);
});
