import type { StoredChildren } from '@faaskeeper/protocol';
import { BOUNDS } from '../../../functions/core/bounds.ts';
import { type ChunkAccess, editChildren, NO_CHILDREN } from '../../../functions/core/distributor/children.ts';
import { seeded } from '../../support/tree-model.ts';

/** Chunks in memory, as user storage would keep them. */
class Chunks implements ChunkAccess {
  readonly stored = new Map<string, readonly string[]>();
  loads = 0;
  #next = 0;

  newId(): string {
    return `c${this.#next++}`;
  }

  async load(id: string): Promise<readonly string[]> {
    this.loads++;
    return this.stored.get(id)!;
  }

  async edit(base: StoredChildren, edits: ReadonlyMap<string, boolean>) {
    const edit = await editChildren(base, edits, this);
    for (const [id, names] of edit.written) this.stored.set(id, names);
    for (const id of edit.superseded) this.stored.delete(id);
    return edit;
  }

  names(children: StoredChildren): string[] {
    return children.in === 'object'
      ? [...children.names]
      : children.chunks.flatMap(({ id }) => [...this.stored.get(id)!]);
  }
}

test('random additions and removals keep exactly the names, sorted, in bounded chunks, and nothing else stored', async () => {
  const random = seeded(5);
  const chunks = new Chunks();
  const expected = new Set<string>();
  let children = NO_CHILDREN;
  for (let round = 0; round < 300; round++) {
    const edits = new Map<string, boolean>();
    const grows = round < 150 || (round > 220 && round < 260);
    for (let i = 0; i < 40; i++) {
      const name = `n${Math.floor(random() * 4_000)}`;
      edits.set(name, random() < (grows ? 0.9 : 0.05));
    }
    if (!grows) for (const name of [...expected].slice(0, 40)) edits.set(name, false);
    for (const [name, present] of edits) present ? expected.add(name) : expected.delete(name);
    const edit = await chunks.edit(children, edits);
    children = edit.children;
    const names = chunks.names(children);
    expect(names).toEqual([...expected].sort());
    expect(edit.count).toBe(expected.size);
    if (children.in === 'object') {
      expect(names.length).toBeLessThanOrEqual(BOUNDS.inlineNames);
      expect(chunks.stored.size).toBe(0);
    } else {
      expect(chunks.stored.size).toBe(children.chunks.length);
      for (const { id, first, count } of children.chunks) {
        const own = chunks.stored.get(id)!;
        expect([first, count]).toEqual([own[0], own.length]);
        expect(own.length).toBeLessThanOrEqual(BOUNDS.chunkNames);
      }
    }
  }
});

test('one more name among very many reads and writes one chunk', async () => {
  const chunks = new Chunks();
  const names = Array.from({ length: 50_000 }, (_, i) => `n${String(i).padStart(6, '0')}`);
  const { children } = await chunks.edit(NO_CHILDREN, new Map(names.map((name) => [name, true])));
  const edit = await editChildren(children, new Map([['n025000x', true]]), chunks);
  expect([chunks.loads, edit.written.size, edit.superseded.length]).toEqual([1, 1, 1]);
});

test('what is there already, or was not there, changes nothing', async () => {
  const base: StoredChildren = { in: 'object', names: ['a', 'b'] };
  const edit = await editChildren(
    base,
    new Map([
      ['a', true],
      ['x', false],
    ]),
    new Chunks(),
  );
  expect(edit).toMatchObject({ children: base, count: 2 });
});
