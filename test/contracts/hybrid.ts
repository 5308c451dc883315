import { type InstanceSpec, recordKeys, storageKeys } from '@faaskeeper/protocol';
import type { Coverage, UserStorage } from '../../functions/core/ports.ts';
import { bytes, text } from './bytes.ts';

type HybridUserStorage = UserStorage & { coverage: Coverage };

/** An empty storage, more processes' ways to it, and the Redis that it is in. */
export interface HybridUnderTest {
  readonly spec: InstanceSpec;
  readonly storage: HybridUserStorage;
  readonly others: () => HybridUserStorage;
  readonly redis: {
    get(key: string): Promise<string | null>;
    set(key: string, value: string): Promise<unknown>;
    del(key: string): Promise<unknown>;
    append(key: string, value: string): Promise<unknown>;
    keys(pattern: string): Promise<string[]>;
  };
}

/** What user storage with nodes in Redis must do, besides what every user storage does. */
export function describeHybridContract(name: string, make: () => Promise<HybridUnderTest>): void {
  describe(`hybrid user storage contract: ${name}`, () => {
    let spec: InstanceSpec;
    let storage: HybridUserStorage;
    let others: () => HybridUserStorage;
    let redis: HybridUnderTest['redis'];
    let node: string;
    beforeEach(async () => {
      ({ spec, storage, others, redis } = await make());
      await storage.coverage.clear();
      node = storageKeys(spec.storagePrefix).node('/a');
    });
    const state = () => recordKeys(spec.id, spec.storagePrefix).state;

    test('is nothing while it is being filled, and then what it was advanced to', async () => {
      expect(await others().coverage.load()).toBeUndefined();
      await storage.put(node, bytes('1'), { absent: true });
      await storage.coverage.advance({ sequence: 3, zxid: 7 });
      expect(await others().coverage.load()).toEqual({ sequence: 3, zxid: 7 });
      await storage.coverage.advance({ sequence: 2, zxid: 5 });
      expect(await others().coverage.load()).toEqual({ sequence: 3, zxid: 7 });
    });

    test('the last of the nodes that are expected says so itself, but only if it was put', async () => {
      const keys = storageKeys(spec.storagePrefix);
      const to = (sequence: number) => ({ sequence, zxid: sequence });
      storage.coverage.expect(to(1), 2);
      await storage.put(node, bytes('1'), { absent: true });
      await storage.put(keys.protectedNode('/a'), bytes('not counted'));
      expect(await others().coverage.load()).toBeUndefined();
      await storage.put(keys.node('/b'), bytes('1'), { absent: true });
      expect(await others().coverage.load()).toEqual(to(1));
      await storage.coverage.advance(to(1));

      storage.coverage.expect(to(2), 1);
      const conflicts = await Promise.all([
        storage.put(node, bytes('2'), { absent: true }),
        storage.put(keys.protectedNode('/a'), bytes('2'), { absent: true }),
      ]);
      expect(conflicts.map(({ outcome }) => outcome)).toEqual(['conflict', 'conflict']);
      const mixed = [
        storage.put(node, bytes('3')),
        storage.put(keys.protectedNode('/a'), bytes('3'), { absent: true }),
      ];
      expect((await Promise.all(mixed)).map(({ outcome }) => outcome)).toEqual(['written', 'conflict']);
      expect(await others().coverage.load()).toEqual(to(1));
      await storage.coverage.advance(to(2));
      expect(await others().coverage.load()).toEqual(to(2));
    });

    test('no state is ever the same as one before', async () => {
      const seen = new Set<string | null>();
      const note = async () => void seen.add(await redis.get(state()));
      for (const sequence of [1, 1, 0, 2]) {
        await storage.coverage.advance({ sequence, zxid: sequence });
        await note();
        await storage.put(node, bytes(String(sequence)));
        await note();
      }
      expect(seen.size).toBe(8);
    });

    test('nodes of clients and of the system are apart, and only those that clients may read are below u:', async () => {
      const keys = storageKeys(spec.storagePrefix);
      const all = [keys.node('/a'), keys.chunk('/a', '1'), keys.protectedNode('/a'), keys.protectedChunk('/a', '1')];
      for (const key of all) await storage.put(key, bytes(key));
      expect((await redis.keys(`fk:{${spec.id}}:u:*`)).length).toBe(3);
      expect((await redis.keys(`fk:{${spec.id}}:p:*`)).length).toBe(2);
      const listed: string[] = [];
      for await (const page of storage.list(spec.storagePrefix)) listed.push(...page);
      expect(listed.sort()).toEqual([...all].sort());
    });

    test.each([
      ['wiped', async (key: string) => void (await redis.del(key))],
      ['rolled back by one write', async (key: string) => void (await redis.set(key, await before(key)))],
      ['damaged', async (key: string) => void (await redis.append(key, 'x'))],
    ])('a store that was %s takes no more writes', async (_, damage) => {
      await storage.coverage.advance({ sequence: 1, zxid: 1 });
      await storage.put(node, bytes('1'), { absent: true });
      await damage(state());
      await expect(storage.put(node, bytes('2'))).rejects.toMatchObject({ name: 'OvertakenError' });
      await expect(storage.coverage.advance({ sequence: 2, zxid: 2 })).rejects.toMatchObject({
        name: 'OvertakenError',
      });
      expect(text((await storage.get(node))?.body)).toBe('1');
    });

    async function before(key: string): Promise<string> {
      const [version, epoch, sequence, zxid, writes] = ((await redis.get(key)) as string).split(' ');
      return [version, epoch, sequence, zxid, Number(writes) - 1].join(' ');
    }

    test('of two writers, the one that loaded last goes on', async () => {
      await storage.coverage.advance({ sequence: 1, zxid: 1 });
      const second = others();
      await second.coverage.load();
      await second.put(node, bytes('second'), { absent: true });
      await expect(storage.put(node, bytes('first'))).rejects.toMatchObject({ name: 'OvertakenError' });
      await storage.coverage.load();
      await storage.put(node, bytes('first again'));
      await expect(second.coverage.advance({ sequence: 2, zxid: 2 })).rejects.toMatchObject({ name: 'OvertakenError' });
    });

    test('clearing removes every record, and no object', async () => {
      const keys = storageKeys(spec.storagePrefix);
      const objects = [keys.data('/a', '1'), keys.watermark];
      for (const key of [node, keys.protectedNode('/a'), ...objects]) await storage.put(key, bytes('x'));
      await storage.coverage.clear();
      expect(await storage.get(node)).toBeUndefined();
      expect(await storage.get(keys.protectedNode('/a'))).toBeUndefined();
      for (const key of objects) expect(await storage.get(key)).toBeDefined();
    });
  });
}
