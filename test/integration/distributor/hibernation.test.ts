import { type OpenStores, systemClock, systemRandom } from '@faaskeeper/functions/stores';
import { Distributor } from '../../../functions/core/distributor/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { servers } from '../../support/servers.ts';
import { eventually, openTestStores } from '../../support/stores.ts';

let faaskeeper: TestFaaSKeeper;
let stores: OpenStores;
beforeAll(async () => {
  faaskeeper = await startFaaSKeeper();
  stores = await openTestStores(servers());
}, 60_000);
afterAll(async () => {
  await stores?.close();
  await faaskeeper?.stop();
});

const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** As the trigger asks for it. */
async function hibernate(): Promise<boolean> {
  const { spec } = faaskeeper;
  const outside = { ...stores.instance(spec), clock: systemClock, random: systemRandom, logger };
  const distributor = new Distributor(outside, spec);
  const { hibernates } = await distributor.checkpoint({ hibernate: true });
  await distributor.close();
  return hibernates === true;
}

test('an instance that hibernates keeps nothing in Redis, and is itself again at the next request', async () => {
  const { spec } = faaskeeper;
  const { system } = stores.instance(spec);
  const before = await faaskeeper.connect();
  await before.create('/tree');
  await Promise.all(Array.from({ length: 100 }, (_, i) => before.create(`/tree/n${i}`, `data ${i}`)));
  await before.create('/tree/s-', null, { mode: 'PERSISTENT_SEQUENTIAL' });
  await before.setData('/tree/n7', 'newer');
  const { sessionId } = before;
  await before.close();
  for (let round = 0; round < 2; round++) {
    await eventually(hibernate, 200);
    expect(await system.read([])).toMatchObject({ state: undefined, asleep: expect.any(Number) });
    expect(await stores.counts(spec.id)).toBeUndefined();
    const again = await faaskeeper.connect();
    expect(again.sessionId).toBeGreaterThan(sessionId);
    expect(await again.getChildren('/tree')).toHaveLength(101 + round);
    const data = (await again.getData('/tree/n7')).data;
    expect(Buffer.from(data ?? []).toString()).toBe('newer');
    expect(await again.create('/tree/s-', null, { mode: 'PERSISTENT_SEQUENTIAL' })).toBe(
      `/tree/s-000000010${1 + round}`,
    );
    await expect(again.create('/tree/n3')).rejects.toMatchObject({ code: 'NodeExists' });
    expect((await system.read([])).state).toBeDefined();
    await again.close();
  }
}, 120_000);

test('while a write is newer than the checkpoint, it does not', async () => {
  const { system, log } = stores.instance(faaskeeper.spec);
  const client = await faaskeeper.connect();
  await client.create('/newer');
  const { state } = await system.read([]);
  expect(await system.hibernate({ generation: state!.generation, applied: state!.applied - 1 })).toBe(false);
  const { last } = await log.bounds();
  // Applied behind the reply.
  await eventually(async () => (await system.read([])).state?.applied === last);
  await client.close();
});

test('while a session lives it does not, whatever the trigger knows', async () => {
  const { spec } = faaskeeper;
  const { system, log } = stores.instance(spec);
  const client = await faaskeeper.connect();
  await client.create('/living');
  const isApplied = async () => (await system.read([])).state?.applied === (await log.bounds()).last;
  await eventually(isApplied);
  // A checkpoint has all of it, so that nothing else speaks against it.
  for (let i = 0; i < 5; i++) expect(await hibernate()).toBe(false);
  await client.close();
  await eventually(hibernate, 200);
}, 120_000);
