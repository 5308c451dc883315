import type { Operation } from '@faaskeeper/protocol';
import type { SystemStore } from '../../../functions/core/ports.ts';
import { at, QUOTA_ROOT } from '../../../functions/core/tables.ts';
import { decodeValue } from '../../../functions/core/transactions/index.ts';
import { creation, WriterInstance } from './instance.ts';

const stats = `${QUOTA_ROOT}/a/zookeeper_stats`;
const quota: readonly Operation[] = [
  creation(`${QUOTA_ROOT}/a`),
  { ...creation(`${QUOTA_ROOT}/a/zookeeper_limits`), data: new TextEncoder().encode('count=3') },
  creation(stats),
];

async function storedStats({ outside }: WriterInstance): Promise<string> {
  const { values } = await outside.system.read([at.quota(stats)]);
  return new TextDecoder().decode((decodeValue('quota', values[0] ?? null) ?? new Uint8Array(0)) as Uint8Array);
}

/** The same store, in which something happens whenever it has paged through a table. */
function storeThat(system: SystemStore, afterScan: () => Promise<void>): SystemStore {
  return new Proxy(system, {
    get(target, name: keyof SystemStore) {
      if (name !== 'scan') return target[name].bind(target as never);
      return async function* (...args: Parameters<SystemStore['scan']>) {
        yield* target.scan(...args);
        await afterScan();
      };
    },
  });
}

test('statistics are counted from the store, go on in another writer, and outlive a wiped store', async () => {
  await using instance = await WriterInstance.open();
  const one = instance.writer();
  const session = await instance.session(one);
  await session.do(one, creation('/a'), creation('/a/b'), creation('/ab'));
  await session.do(one, ...quota, creation('/a/c'));
  await one.close();
  expect(await storedStats(instance)).toBe('count=3,bytes=0');
  const two = instance.writer();
  await session.do(two, { type: 'setData', path: '/a/b', data: new Uint8Array(5), version: -1 });
  await two.close();
  expect(await storedStats(instance)).toBe('count=3,bytes=5');
  const { system } = instance.outside;
  const { state } = await system.read([]);
  await system.rebuild(state?.generation, { applied: 0, zxid: 0 }, (async function* () {})());
  const three = instance.writer();
  await session.do(three, { type: 'delete', path: '/a/b', version: -1 });
  await three.close();
  expect(await storedStats(instance)).toBe('count=2,bytes=0');
});

test('what another writer does while a subtree is counted is not missed', async () => {
  await using instance = await WriterInstance.open();
  const other = instance.writer();
  const [session, busy] = [await instance.session(other), await instance.session(other)];
  await session.do(other, creation('/a'));
  let scans = 0;
  const counting = instance.writer({
    system: storeThat(instance.outside.system, async () => {
      if (++scans > 2) return;
      await busy.do(other, creation(`/a/n${scans}`));
      await other.close();
    }),
  });
  await session.do(counting, ...quota);
  await counting.close();
  expect(scans).toBeGreaterThan(1);
  expect(await storedStats(instance)).toBe('count=3,bytes=0');
});
