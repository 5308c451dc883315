import { AtomicCounter, AtomicList, connectRedis, TimedLock } from '@faaskeeper/functions/stores';
import { bytes, text } from '../../contracts/bytes.ts';
import { servers, uniqueId } from '../../support/servers.ts';
import { eventually } from '../../support/stores.ts';

const connections = Array.from({ length: 4 }, (_, i) => connectRedis({ url: servers().redisUrl, name: `test ${i}` }));
const [redis, other] = connections as [(typeof connections)[0], (typeof connections)[0]];
afterAll(() => {
  for (const connection of connections) connection.disconnect();
});

describe('timed lock', () => {
  let key: string;
  let lock: TimedLock;
  beforeEach(() => {
    key = uniqueId('lock:');
    lock = new TimedLock(redis, key);
  });

  test('of many that want it one gets it', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 40 }, (_, i) => new TimedLock(connections[i % 4]!, key).acquire(`holder ${i}`, 60_000)),
    );
    expect(tokens.filter((token) => token !== undefined)).toHaveLength(1);
  });

  test('its holder may acquire it again and keeps its token', async () => {
    const token = await lock.acquire('a', 60_000);
    expect(await lock.acquire('a', 60_000)).toBe(token);
  });

  test('it expires, and the next holder has a higher token', async () => {
    const first = await lock.acquire('a', 30);
    let second: number | undefined;
    await eventually(async () => {
      second = await new TimedLock(other, key).acquire('b', 60_000);
      return second !== undefined;
    });
    expect(second).toBeGreaterThan(first!);
    expect(await lock.extend('a', 60_000)).toBe(false);
    expect(await lock.release('a')).toBe(false);
    expect(await lock.acquire('a', 60_000)).toBeUndefined();
  });

  test('it is not revived by extending once it expired', async () => {
    await lock.acquire('a', 10);
    await eventually(async () => (await redis.exists(key)) === 0);
    expect(await lock.extend('a', 60_000)).toBe(false);
  });

  test('extending keeps it', async () => {
    await lock.acquire('a', 1_000);
    expect(await lock.extend('a', 60_000)).toBe(true);
    expect(await redis.pttl(key)).toBeGreaterThan(30_000);
  });

  test('tokens grow over releases and expiries', async () => {
    const tokens: number[] = [];
    for (let i = 0; i < 10; i++) {
      tokens.push((await lock.acquire(`holder ${i}`, 60_000))!);
      if (i % 2 === 0) await lock.release(`holder ${i}`);
      else await redis.del(key);
    }
    expect(tokens).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe('atomic counter', () => {
  let key: string;
  beforeEach(() => {
    key = uniqueId('counter:');
  });

  test('concurrent additions all count, and no two callers get the same value', async () => {
    const values = await Promise.all(
      Array.from({ length: 400 }, (_, i) => new AtomicCounter(connections[i % 4]!, key).add(1)),
    );
    expect([...values].sort((a, b) => a! - b!)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
  });

  test('a limit holds under concurrency', async () => {
    const values = await Promise.all(
      Array.from({ length: 100 }, (_, i) => new AtomicCounter(connections[i % 4]!, key).add(3, { limit: 100 })),
    );
    expect(values.filter((value) => value !== undefined)).toHaveLength(33);
    expect(await new AtomicCounter(redis, key).value()).toBe(99);
  });

  test('what is refused changes nothing, and subtracting makes room again', async () => {
    const counter = new AtomicCounter(redis, key);
    expect(await counter.add(10, { limit: 10 })).toBe(10);
    expect(await counter.add(1, { limit: 10 })).toBeUndefined();
    expect(await counter.add(-4, { limit: 5 })).toBe(6);
    expect(await counter.add(4, { limit: 10 })).toBe(10);
  });

  test('large values are exact', async () => {
    const counter = new AtomicCounter(redis, key);
    const large = Number.MAX_SAFE_INTEGER - 1;
    expect(await counter.add(large)).toBe(large);
    expect(await counter.add(1)).toBe(large + 1);
    await expect(counter.add(0.5)).rejects.toThrow(RangeError);
  });
});

describe('atomic list', () => {
  let key: string;
  let list: AtomicList;
  beforeEach(() => {
    key = uniqueId('list:');
    list = new AtomicList(redis, key);
  });
  const read = async () => [...(await list.read())].map(([name, value]) => `${name}=${text(value)}`);

  test('elements are read in the order in which they were appended', async () => {
    for (const name of ['z', 'a', 'm']) expect(await list.append(name, bytes(name.toUpperCase()))).toBe(true);
    expect(await list.append('a', bytes('again'))).toBe(false);
    expect(await read()).toEqual(['z=Z', 'a=A', 'm=M']);
  });

  test('removed elements are gone, the others keep their order', async () => {
    for (const name of ['1', '2', '3', '4']) await list.append(name, bytes('x'));
    expect(await list.remove('2', '4', 'none')).toBe(2);
    await list.append('2', bytes('back'));
    expect(await read()).toEqual(['1=x', '3=x', '2=back']);
  });

  test('an empty list leaves no key behind', async () => {
    await list.append('a', bytes('x'));
    expect(await list.remove('a')).toBe(1);
    expect(await redis.exists(key)).toBe(0);
    expect(await read()).toEqual([]);
  });

  test('a value is replaced only if it is still the expected one', async () => {
    await list.append('a', bytes('one'));
    await list.append('b', bytes('b'));
    expect(await list.replace('a', bytes('one'), bytes('two'))).toBe(true);
    expect(await list.replace('a', bytes('one'), bytes('three'))).toBe(false);
    expect(await list.replace('none', bytes('one'), bytes('two'))).toBe(false);
    expect(await read()).toEqual(['a=two', 'b=b']);
  });

  test('concurrent appends, replacements and removals all take effect', async () => {
    const lists = connections.map((connection) => new AtomicList(connection, key));
    const appended = await Promise.all(
      Array.from({ length: 400 }, (_, i) => lists[i % 4]!.append(`e${i % 200}`, bytes('0'))),
    );
    expect(appended.filter(Boolean)).toHaveLength(200);
    const replaced = await Promise.all(lists.map((one, i) => one.replace('e0', bytes('0'), bytes(`won by ${i}`))));
    expect(replaced.filter(Boolean)).toHaveLength(1);
    const removed = await Promise.all(Array.from({ length: 200 }, (_, i) => lists[i % 4]!.remove(`e${i % 100}`)));
    expect(removed.reduce((sum, count) => sum + count, 0)).toBe(100);
    expect((await list.read()).size).toBe(100);
  });

  test('an element of a list of 200,000 costs about what one of ten costs', async () => {
    const long = new AtomicList(redis, uniqueId('list:'));
    for (let i = 0; i < 200_000; i += 2_000) {
      await Promise.all(Array.from({ length: 2_000 }, (_, j) => long.append(`e${i + j}`, bytes('value'))));
    }
    expect((await long.read()).size).toBe(200_000);
    const cost = async (subject: AtomicList) => {
      const begun = performance.now();
      for (let i = 0; i < 300; i++) {
        await subject.append(`new${i}`, bytes('value'));
        await subject.remove(`new${i}`);
      }
      return performance.now() - begun;
    };
    await cost(list);
    const short = await cost(list);
    // Much below the 20,000 times of a list that is walked through; the machine may be busy.
    expect(await cost(long)).toBeLessThan(short * 10);
  });
});
