import type { UserStorage } from '../../functions/core/ports.ts';
import { binary, bytes, text } from './bytes.ts';

/** A store, and a prefix in it that nobody else uses. */
export interface UserStorageUnderTest {
  readonly storage: UserStorage;
  readonly prefix: string;
}

/** What every implementation of UserStorage must do. */
export function describeUserStorageContract(name: string, make: () => Promise<UserStorageUnderTest>): void {
  describe(`user storage contract: ${name}`, () => {
    let storage: UserStorage;
    let prefix: string;
    beforeEach(async () => {
      ({ storage, prefix } = await make());
    });

    const write = async (key: string, body: string, condition?: Parameters<UserStorage['put']>[2]) => {
      const put = await storage.put(`${prefix}${key}`, bytes(body), condition);
      return put.outcome === 'written' ? put.etag : put.outcome;
    };
    const read = async (key: string) => text((await storage.get(`${prefix}${key}`))?.body);

    test('a missing object is undefined', async () => {
      expect(await storage.get(`${prefix}none`)).toBeUndefined();
    });

    test('what was written is read at once, with the tag that writing gave', async () => {
      for (const size of [0, 1, 1_000, 1_100_000]) {
        const put = await storage.put(`${prefix}n`, binary(size));
        const got = await storage.get(`${prefix}n`);
        expect(put).toEqual({ outcome: 'written', etag: got!.etag });
        expect(Buffer.compare(got!.body, binary(size))).toBe(0);
      }
    });

    test('a key may hold any character', async () => {
      const key = "a b/c+d&e=(f)'*!~ü%20.#?";
      await write(key, 'here', { absent: true });
      expect(await read(key)).toBe('here');
      const listed: string[] = [];
      for await (const page of storage.list(`${prefix}a b/`)) listed.push(...page);
      expect(listed).toEqual([`${prefix}${key}`]);
    });

    test('"absent" writes only where there is nothing', async () => {
      await write('n', 'first', { absent: true });
      expect(await write('n', 'second', { absent: true })).toBe('conflict');
      expect(await read('n')).toBe('first');
    });

    test('"ifMatch" writes only over the version that it names', async () => {
      const first = await write('n', 'first');
      const second = await write('n', 'second', { ifMatch: first });
      expect(second).not.toBe(first);
      expect(await write('n', 'third', { ifMatch: first })).toBe('conflict');
      expect(await read('n')).toBe('second');
    });

    test('"ifMatch" on a missing object is a conflict, also where there was one', async () => {
      const etag = await write('n', 'first');
      await storage.delete([`${prefix}n`]);
      expect(await write('n', 'second', { ifMatch: etag })).toBe('conflict');
      expect(await read('n')).toBeUndefined();
    });

    test('of many conditional writes at once exactly one succeeds', async () => {
      const contenders = Array.from({ length: 8 }, (_, i) => String(i));
      const created = await Promise.all(contenders.map((who) => write('n', `c${who}`, { absent: true })));
      expect(created.filter((outcome) => outcome !== 'conflict')).toHaveLength(1);
      const etag = created.find((outcome) => outcome !== 'conflict')!;
      const replaced = await Promise.all(contenders.map((who) => write('n', `r${who}`, { ifMatch: etag })));
      const winners = replaced.flatMap((outcome, i) => (outcome === 'conflict' ? [] : [`r${i}`]));
      expect(winners).toHaveLength(1);
      expect(await read('n')).toBe(winners[0]);
    });

    test('deleting takes many keys, also missing ones', async () => {
      const keys = Array.from({ length: 25 }, (_, i) => `${prefix}d/${i}`);
      await Promise.all(keys.map((key) => storage.put(key, bytes('x'))));
      await storage.delete([...keys, `${prefix}d/none`]);
      await storage.delete([]);
      expect(await storage.get(keys[7]!)).toBeUndefined();
      const left: string[] = [];
      for await (const page of storage.list(`${prefix}d/`)) left.push(...page);
      expect(left).toEqual([]);
    });

    test('deleteIf never deletes another version', async () => {
      const first = await write('n', 'tombstone');
      await write('n', 'node', { ifMatch: first });
      expect(await storage.deleteIf(`${prefix}n`, first)).toBe('kept');
      expect(await read('n')).toBe('node');
      expect(await storage.deleteIf(`${prefix}none`, first)).toBe('kept');
    });

    test('deleteIf deletes the version that it names, or says that it was kept', async () => {
      const etag = await write('n', 'tombstone');
      const outcome = await storage.deleteIf(`${prefix}n`, etag);
      expect(await read('n')).toBe(outcome === 'deleted' ? undefined : 'tombstone');
    });

    test('a list names all below a prefix, whatever their number', async () => {
      const names = Array.from({ length: 1_100 }, (_, i) => `${prefix}l/${String(i).padStart(5, '0')}`);
      for (let i = 0; i < names.length; i += 50) {
        await Promise.all(names.slice(i, i + 50).map((key) => storage.put(key, bytes('x'))));
      }
      await storage.put(`${prefix}m`, bytes('not below'));
      const listed: string[] = [];
      for await (const page of storage.list(`${prefix}l/`)) listed.push(...page);
      expect(listed.sort()).toEqual(names);
    });

    test('an aborted call rejects', async () => {
      await expect(storage.get(`${prefix}n`, AbortSignal.abort())).rejects.toThrow();
      await expect(storage.put(`${prefix}n`, bytes('x'), undefined, AbortSignal.abort())).rejects.toThrow();
    });
  });
}
