import { BOUNDS } from '../../../functions/core/bounds.ts';
import { Fold } from '../../../functions/core/checkpoint/fold.ts';
import { type Keyed, merge, mergeFrom } from '../../../functions/core/checkpoint/runs.ts';
import { seeded, TreeModel } from '../../support/tree-model.ts';

async function* iterate(values: readonly Keyed[]): AsyncGenerator<Keyed> {
  yield* values;
}

async function collect(values: AsyncIterable<Keyed>): Promise<string[]> {
  const lines: string[] = [];
  for await (const { key, mutation } of values) {
    lines.push(`${key}=${mutation.value === null ? 'null' : Buffer.from(mutation.value).toString('hex')}`);
  }
  return lines;
}

test('folds of stretches of LOG, merged, are the fold of all of it', async () => {
  const model = new TreeModel();
  const random = seeded(13);
  const whole = new Fold();
  const stretches = Array.from({ length: 5 }, () => {
    const fold = new Fold();
    for (let i = 0; i < 20; i++) {
      const entry = model.randomEntry(random, 2);
      fold.add(entry);
      whole.add(entry);
    }
    return fold;
  });
  for (const section of ['kept', 'data'] as const) {
    const parts = stretches.map((fold) => fold.values()[section]);
    const direct = whole.values()[section];
    expect(await collect(merge(parts.map(iterate), { dropNulls: false }))).toEqual(await collect(iterate(direct)));
    const inTwoSteps = merge(
      [merge(parts.slice(0, 3).map(iterate), { dropNulls: true }), ...parts.slice(3).map(iterate)],
      {
        dropNulls: true,
      },
    );
    const living = direct.filter(({ mutation }) => mutation.value !== null);
    expect(await collect(inTwoSteps)).toEqual(await collect(iterate(living)));
  }
  expect(
    whole.values().kept.filter(({ mutation }) => mutation.table === 'node' && mutation.value !== null),
  ).toHaveLength(model.nodes.size);
  for (const path of whole.deleted) expect(model.nodes.has(path)).toBe(false);
});

test('the number of runs is bounded, and each byte is rewritten a few times only', () => {
  let runs: number[] = [];
  let written = 0;
  const rounds = 2_000;
  for (let i = 0; i < rounds; i++) {
    const sizes = [...runs, 1];
    const from = mergeFrom(sizes);
    const merged = sizes.slice(from).reduce((sum, size) => sum + size, 0);
    written += merged;
    runs = [...runs.slice(0, from), merged];
    expect(runs.length).toBeLessThanOrEqual(BOUNDS.runs);
  }
  expect(runs.reduce((sum, size) => sum + size, 0)).toBe(rounds);
  expect(written / rounds).toBeLessThan(16);
});
