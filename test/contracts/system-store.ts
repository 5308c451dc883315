import type { Mutation, SystemStore, Table } from '../../functions/core/ports.ts';
import { binary, bytes, text } from './bytes.ts';

/** An empty store, and a second way to it. `wipe` loses all that it holds, as FLUSHALL does. */
export interface SystemStoreUnderTest {
  readonly store: SystemStore;
  readonly other: SystemStore;
  wipe(): Promise<void>;
}

export const put = (table: Table, group: string, key: string, value: string | null): Mutation => ({
  table,
  group,
  key,
  value: value === null ? null : bytes(value),
});
const at = (table: Table, group: string, key: string) => ({ table, group, key });

export async function* chunks(...all: Mutation[][]): AsyncIterable<Mutation[]> {
  for (const mutations of all) yield mutations;
}

/** Makes the store hold this content, whatever it holds. */
export async function fillStore(store: SystemStore, ...content: Mutation[][]): Promise<string> {
  const { state } = await store.read([]);
  expect(await store.rebuild(state?.generation, { applied: 0, zxid: 0 }, chunks(...content))).toBe('switched');
  return (await store.read([])).state!.generation;
}

/** What every implementation of SystemStore must do. */
export function describeSystemStoreContract(name: string, make: () => Promise<SystemStoreUnderTest>): void {
  describe(`system store contract: ${name}`, () => {
    let store: SystemStore;
    let other: SystemStore;
    let wipe: () => Promise<void>;
    beforeEach(async () => {
      ({ store, other, wipe } = await make());
    });

    describeValues(() => store);
    describeOrder(() => ({ store, other }));
    describeRebuilds(() => ({ store, other, wipe }));
    describeHibernation(() => ({ store, other }));
    describeLocks(() => ({ store, other }));
  });
}

function describeHibernation(get: () => { store: SystemStore; other: SystemStore }): void {
  test('a store that hibernates holds nothing, says so, and is rebuilt as a wiped one is', async () => {
    const { store, other } = get();
    const generation = await fillStore(store, [put('node', '', '/a', 'old')]);
    expect(await store.apply({ generation, sequence: 1, zxid: 7, mutations: [] })).toBe('applied');
    expect(await store.hibernate({ generation, applied: 0 })).toBe(false);
    expect(await store.hibernate({ generation: 'another', applied: 1 })).toBe(false);
    expect(await store.hibernate({ generation, applied: 1 })).toBe(true);
    expect(await other.read([at('node', '', '/a')])).toMatchObject({ state: undefined, asleep: 1, values: [null] });
    for await (const page of other.scan('node', '')) expect(page).toEqual([]);
    expect(await other.apply({ generation, sequence: 2, zxid: 8, mutations: [] })).toBe('other generation');
    expect(await store.hibernate({ generation, applied: 1 })).toBe(false);
    await fillStore(other, [put('node', '', '/a', 'again')]);
    const { asleep, values } = await store.read([at('node', '', '/a')]);
    expect([asleep, text(values[0]!)]).toEqual([undefined, 'again']);
  });
}

function describeValues(get: () => SystemStore): void {
  test('an empty store has no state, no values and no groups', async () => {
    expect(await get().read([at('node', '', '/')], [{ table: 'ephemeral', group: '1' }])).toEqual({
      state: undefined,
      values: [null],
      groups: [new Map()],
    });
  });

  test('values and groups are what was put last', async () => {
    const store = get();
    const generation = await fillStore(store, [put('node', '', '/a', 'old'), put('result', '7', '1', 'first')]);
    const mutations = [
      put('node', '', '/a', 'newer'),
      put('node', '', '/a', 'newest'),
      put('node', '', '/b', 'b'),
      put('result', '7', '2', 'second'),
      put('result', '8', '1', 'of another'),
      put('ephemeral', '7', '/a', ''),
      put('registration', '', 'r1', 'registered'),
    ];
    expect(await store.apply({ generation, sequence: 1, zxid: 4, mutations })).toBe('applied');
    const read = await store.read(
      [
        at('result', '7', '2'),
        at('node', '', '/a'),
        at('node', '', '/none'),
        at('node', '', '/b'),
        at('ephemeral', '7', '/a'),
      ],
      [
        { table: 'result', group: '7' },
        { table: 'ephemeral', group: '9' },
        { table: 'registration', group: '' },
      ],
    );
    expect(read.state).toEqual({ generation, applied: 1, zxid: 4 });
    expect(read.values.map(text)).toEqual(['second', 'newest', undefined, 'b', '']);
    expect(read.groups.map((group) => [...group].map(([key, value]) => [key, text(value)]))).toEqual([
      [
        ['1', 'first'],
        ['2', 'second'],
      ],
      [],
      [['r1', 'registered']],
    ]);
  });

  test('removed values are gone, alone or in a group', async () => {
    const store = get();
    const generation = await fillStore(store, [
      put('node', '', '/a', 'a'),
      put('ephemeral', '7', '/x', ''),
      put('ephemeral', '7', '/y', ''),
    ]);
    const remove = [put('node', '', '/a', null), put('ephemeral', '7', '/x', null), put('node', '', '/none', null)];
    await store.apply({ generation, sequence: 1, zxid: 1, mutations: remove });
    let read = await store.read([at('node', '', '/a')], [{ table: 'ephemeral', group: '7' }]);
    expect(read.values).toEqual([null]);
    expect([...read.groups[0]!.keys()]).toEqual(['/y']);
    await store.apply({ generation, sequence: 2, zxid: 2, mutations: [put('ephemeral', '7', '/y', null)] });
    read = await store.read([], [{ table: 'ephemeral', group: '7' }]);
    expect(read.groups[0]!.size).toBe(0);
  });

  test('any bytes and any key come back as they were', async () => {
    const store = get();
    const generation = await fillStore(store, []);
    const keys = ['/ä/日本/🦊', '/with space', '/a:b{c}*', `/${'long'.repeat(4_000)}`];
    const sizes = [0, 1, 31, 32, 255, 256, 65_535, 65_536, 300_000];
    const mutations = [
      ...keys.map((key) => put('node', '', key, `value of ${key}`)),
      ...sizes.flatMap((size): Mutation[] => [
        { ...at('node', '', `/size/${size}`), value: binary(size) },
        { ...at('result', '1', String(size)), value: binary(size) },
      ]),
    ];
    expect(await store.apply({ generation, sequence: 1, zxid: 1, mutations })).toBe('applied');
    const { values } = await store.read(mutations);
    mutations.forEach(({ value }, i) => {
      expect(Buffer.compare(values[i]!, value!)).toBe(0);
    });
  });

  test('data of nodes is not kept', async () => {
    const store = get();
    await fillStore(store, [put('data', '', '/a', 'data')]);
    expect((await store.read([at('data', '', '/a')])).values).toEqual([null]);
  });

  test('an entry of 500,000 mutations is applied at once', async () => {
    const store = get();
    const generation = await fillStore(store, []);
    const mutations = Array.from({ length: 500_000 }, (_, i) =>
      i % 2 === 0 ? put('node', '', `/n${i}`, 'meta') : put('ephemeral', '7', `/n${i}`, ''),
    );
    expect(await store.apply({ generation, sequence: 1, zxid: 1, mutations })).toBe('applied');
    const { groups } = await store.read([], [{ table: 'ephemeral', group: '7' }]);
    expect(groups[0]!.size).toBe(250_000);
    const removals = mutations.map((mutation) => ({ ...mutation, value: null }));
    expect(await store.apply({ generation, sequence: 2, zxid: 2, mutations: removals })).toBe('applied');
    expect((await store.read([at('node', '', '/n0')], [{ table: 'ephemeral', group: '7' }])).groups[0]!.size).toBe(0);
  });

  test('a scan pages through a whole group', async () => {
    const store = get();
    const count = 5_000;
    const all = Array.from({ length: count }, (_, i) => [
      put('node', '', `/n${i}`, 'n'),
      put('ephemeral', '3', `/e${i}`, ''),
    ]);
    await fillStore(store, ...all);
    for (const [table, group] of [
      ['node', ''],
      ['ephemeral', '3'],
    ] as const) {
      const seen = new Set<string>();
      let pages = 0;
      for await (const page of store.scan(table, group)) {
        pages++;
        for (const [key] of page) seen.add(key);
      }
      expect(seen.size).toBe(count);
      expect(pages).toBeGreaterThan(1);
    }
    for await (const page of store.scan('timed', '')) expect(page).toEqual([]);
  });
}

function describeOrder(get: () => { store: SystemStore; other: SystemStore }): void {
  test('repeated entries, entries past a gap and entries for another generation change nothing', async () => {
    const { store } = get();
    const generation = await fillStore(store, []);
    const apply = (sequence: number, value: string, as = generation) =>
      store.apply({ generation: as, sequence, zxid: sequence * 10, mutations: [put('node', '', '/a', value)] });
    expect(await apply(1, 'one')).toBe('applied');
    expect(await apply(2, 'two')).toBe('applied');
    expect(await apply(1, 'again')).toBe('repeated');
    expect(await apply(2, 'again')).toBe('repeated');
    expect(await apply(4, 'too early')).toBe('gap');
    expect(await apply(3, 'elsewhere', 'g0')).toBe('other generation');
    const { state, values } = await store.read([at('node', '', '/a')]);
    expect(state).toEqual({ generation, applied: 2, zxid: 20 });
    expect(values.map(text)).toEqual(['two']);
  });

  test('of two that apply the same entry one does and one repeats', async () => {
    const { store, other } = get();
    const generation = await fillStore(store, []);
    for (let sequence = 1; sequence <= 50; sequence++) {
      const entry = { generation, sequence, zxid: sequence, mutations: [put('node', '', '/a', String(sequence))] };
      const outcomes = await Promise.all([store.apply(entry), other.apply(entry)]);
      expect(outcomes.sort()).toEqual(['applied', 'repeated']);
    }
  });

  test('no read sees half an entry', async () => {
    const { store, other } = get();
    const keys = Array.from({ length: 200 }, (_, i) => `/n${i}`);
    const generation = await fillStore(
      store,
      keys.map((key) => put('node', '', key, '0')),
    );
    const last = 150;
    const writer = (async () => {
      for (let sequence = 1; sequence <= last; sequence++) {
        const mutations = [
          ...keys.map((key) => put('node', '', key, String(sequence))),
          put('timed', '', 'x', String(sequence)),
        ];
        await store.apply({ generation, sequence, zxid: sequence, mutations });
      }
    })();
    let applied = 0;
    while (applied < last) {
      const { state, values, groups } = await other.read(
        keys.map((key) => at('node', '', key)),
        [{ table: 'timed', group: '' }],
      );
      applied = state!.applied;
      expect(new Set(values.map(text))).toEqual(new Set([String(applied)]));
      if (applied > 0) expect(text(groups[0]!.get('x'))).toBe(String(applied));
    }
    await writer;
  });
}

function describeRebuilds(get: () => SystemStoreUnderTest): void {
  test('a rebuild takes the place of everything at once', async () => {
    const { store } = get();
    const before = await fillStore(store, [put('node', '', '/old', 'old')]);
    const content = chunks([put('node', '', '/new', 'new')], [put('result', '1', '1', 'kept')]);
    expect(await store.rebuild(before, { applied: 40, zxid: 90 }, content)).toBe('switched');
    const { state, values } = await store.read([
      at('node', '', '/old'),
      at('node', '', '/new'),
      at('result', '1', '1'),
    ]);
    expect(state).toMatchObject({ applied: 40, zxid: 90 });
    expect(state!.generation).not.toBe(before);
    expect(values.map(text)).toEqual([undefined, 'new', 'kept']);
    expect(await store.apply({ generation: before, sequence: 41, zxid: 91, mutations: [] })).toBe('other generation');
  });

  test('while a rebuild loads, the old content is read and written', async () => {
    const { store, other } = get();
    const before = await fillStore(store, [put('node', '', '/a', 'old')]);
    const content = (async function* () {
      yield [put('node', '', '/a', 'new')];
      expect(
        await other.apply({ generation: before, sequence: 1, zxid: 1, mutations: [put('node', '', '/b', 'b')] }),
      ).toBe('applied');
      expect((await other.read([at('node', '', '/a')])).values.map(text)).toEqual(['old']);
    })();
    expect(await store.rebuild(before, { applied: 1, zxid: 1 }, content)).toBe('switched');
    expect((await other.read([at('node', '', '/a'), at('node', '', '/b')])).values.map(text)).toEqual([
      'new',
      undefined,
    ]);
  });

  test('of two rebuilds at once one wins, and nothing of the other is seen', async () => {
    const { store, other } = get();
    const many = (who: string) => Array.from({ length: 3_000 }, (_, i) => put('node', '', `/${who}${i}`, who));
    const outcomes = await Promise.all([
      store.rebuild(undefined, { applied: 5, zxid: 5 }, chunks(many('a'))),
      other.rebuild(undefined, { applied: 5, zxid: 5 }, chunks(many('b'))),
    ]);
    expect([...outcomes].sort()).toEqual(['lost', 'switched']);
    const [winner, loser] = outcomes[0] === 'switched' ? ['a', 'b'] : ['b', 'a'];
    const { values } = await store.read([at('node', '', `/${winner}2999`), at('node', '', `/${loser}0`)]);
    expect(values.map(text)).toEqual([winner, undefined]);
  });

  test('a slow rebuild of a generation that is gone loses', async () => {
    const { store, other } = get();
    const content = (async function* () {
      yield [put('node', '', '/late', 'late')];
      await fillStore(other, [put('node', '', '/first', 'first')]);
      yield [put('node', '', '/later', 'later')];
    })();
    expect(await store.rebuild(undefined, { applied: 9, zxid: 9 }, content)).toBe('lost');
    const { state, values } = await store.read([at('node', '', '/first'), at('node', '', '/late')]);
    expect(state).toMatchObject({ applied: 0 });
    expect(values.map(text)).toEqual(['first', undefined]);
  });

  test('a rebuild whose content cannot be read leaves the store as it was', async () => {
    const { store } = get();
    const generation = await fillStore(store, [put('node', '', '/a', 'a')]);
    const content = (async function* () {
      yield [put('node', '', '/b', 'b')];
      throw new Error('no checkpoint');
    })();
    await expect(store.rebuild(generation, { applied: 9, zxid: 9 }, content)).rejects.toThrow('no checkpoint');
    expect((await store.read([at('node', '', '/a')])).state).toEqual({ generation, applied: 0, zxid: 0 });
  });

  test('a wipe is noticed: no state, and nothing of before is applied to', async () => {
    const { store, wipe } = get();
    const generation = await fillStore(store, [put('node', '', '/a', 'a')]);
    await wipe();
    expect((await store.read([at('node', '', '/a')])).state).toBeUndefined();
    expect(await store.apply({ generation, sequence: 1, zxid: 1, mutations: [] })).toBe('other generation');
    expect(await fillStore(store, [])).not.toBe(generation);
    expect(await store.apply({ generation, sequence: 1, zxid: 1, mutations: [] })).toBe('other generation');
  });

  test('a rebuild during which the store is wiped loses or leaves all of its content', async () => {
    const { store, wipe } = get();
    const content = (async function* () {
      yield [put('node', '', '/a', 'a')];
      await wipe();
      yield [put('node', '', '/b', 'b')];
    })();
    expect(await store.rebuild(undefined, { applied: 1, zxid: 1 }, content)).toBe('lost');
    expect((await store.read([])).state).toBeUndefined();
  });
}

function describeLocks(get: () => { store: SystemStore; other: SystemStore }): void {
  test('a lock has one holder, and each new holder a higher token', async () => {
    const { store, other } = get();
    const first = await store.lock('lane', 'a', 60_000);
    expect(first).toBeGreaterThan(0);
    expect(await other.lock('lane', 'b', 60_000)).toBeUndefined();
    expect(await other.lock('another lane', 'b', 60_000)).toBeGreaterThan(0);
    expect(await store.extend('lane', 'a', 60_000)).toBe(true);
    expect(await other.extend('lane', 'b', 60_000)).toBe(false);
    expect(await other.unlock('lane', 'b')).toBe(false);
    expect(await store.unlock('lane', 'a')).toBe(true);
    expect(await other.lock('lane', 'b', 60_000)).toBeGreaterThan(first!);
  });
}
