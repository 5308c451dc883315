import { BENCH } from '../bounds.ts';
import type { BenchClient, BenchSystem } from '../client.ts';
import { measureRound, within } from '../measure.ts';
import { table } from '../report/format.ts';
import { cell, comparison, rowsOf, values } from '../report/rows.ts';
import type { Results } from '../results.ts';
import type { FaaSKeeperSystem } from '../systems/faaskeeper.ts';
import { anyOwn, type BenchContext, ownRoot, payload, takeTurns } from './context.ts';
import type { Experiment } from './experiment.ts';
import { storeOf } from './stores.ts';

const sizeBytes = 1024;
export const sustainedNames = { hot: `setData, ${BENCH.nodes} nodes`, distinct: 'create, distinct nodes' } as const;
/** The store's own limit, which writes to distinct nodes cannot pass. */
export const putName = 'PUT of the object store';

/** Writes that go on long enough to fill every queue: what is counted is visible. */
async function measure(context: BenchContext): Promise<void> {
  const { systems, options, recorder } = context;
  const data = payload(sizeBytes);
  const mostMs = options.quick ? options.roundMs : BENCH.sustainedMs;
  const outstanding = BENCH.sustainedOutstanding;
  const limits = { outstanding, mostMs, mostOperations: Number.POSITIVE_INFINITY };
  const at = { section: 'sustained', sizeBytes, outstanding } as const;
  const members: { system: BenchSystem; client: BenchClient; root: string }[] = [];
  for (const system of systems)
    members.push({ system, client: await system.connect({ cache: false }), root: ownRoot() });
  try {
    for (const { client, root } of members) {
      await client.create(root, data);
      await Promise.all(Array.from({ length: BENCH.nodes }, (_, i) => client.create(`${root}/n${i}`, data)));
      await client.settled(root);
    }
    await takeTurns(members, options.rounds, async ({ system, client, root }, round) => {
      const settled = () => client.settled(root);
      const hot = measureRound((i) => client.setData(`${root}/n${i % BENCH.nodes}`, data), { ...limits, settled });
      recorder.add({ ...at, operation: sustainedNames.hot, system: system.name }, await within('writes', hot));
      const create = (i: number) => client.create(`${root}/r${round}-${i}`, data);
      const most = { ...limits, mostOperations: BENCH.distinctNodes };
      const distinct = measureRound(create, { ...most, settled });
      recorder.add(
        { ...at, operation: sustainedNames.distinct, system: system.name },
        await within('creates', distinct),
      );
    });
    const store = anyOwn(context);
    if (store !== undefined) await measurePuts(context, store, limits);
  } finally {
    await Promise.all(members.map(({ client }) => client.close()));
  }
}

async function measurePuts(
  { options, recorder }: BenchContext,
  system: FaaSKeeperSystem,
  limits: Parameters<typeof measureRound>[1],
): Promise<void> {
  await using store = await storeOf(system);
  const body = Buffer.from(payload(sizeBytes));
  for (let round = 0; round < options.rounds; round++) {
    const put = (index: number) => store.objects.put(`r${round}-${index}`, body, { absent: true });
    const { outstanding } = limits;
    const done = await measureRound(put, limits);
    recorder.add({ section: 'sustained', operation: putName, system: 's3', sizeBytes, outstanding }, done);
  }
}

function report(results: Results): string {
  const rows = rowsOf(results, 'sustained');
  const shown = rows.filter(({ by }) => !by.has('s3'));
  if (shown.length === 0) return '';
  const visible = comparison(shown, 'visiblePerSecond', 'visible/s');
  const accepted = comparison(shown, 'perSecond', 'acknowledged/s');
  const put = values(rows.find(({ by }) => by.has('s3'))?.by.get('s3'), 'perSecond');
  const lines = shown.map((row) => [row.operation, ...visible.cells(row), ...accepted.cells(row)]);
  return `### Sustained writes

1 KiB, ${BENCH.sustainedOutstanding} outstanding by one session. "visible/s" counts until readers can see all of it. The object store
alone takes ${cell(put)} conditional PUTs of that size a second, as many on their way.

${table(['operation', ...visible.head, ...accepted.head], lines)}`;
}

export const sustained: Experiment = { parts: ['sustained'], measure, report };
