import { BENCH } from '../bounds.ts';
import { type BenchSystem, ownSystems, systemTitles } from '../client.ts';
import { costInputs, costNames, readPrices } from '../cost/inputs.ts';
import { breakEven, type CostInputs, ensembleCost, ownCost, type Prices } from '../cost/model.ts';
import { residentBytesOf } from '../machine.ts';
import { measureRound, within } from '../measure.ts';
import { figure, table } from '../report/format.ts';
import { figureColumns } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { type BenchContext, named, ownRoot, payload } from './context.ts';
import type { BenchPlot, Experiment } from './experiment.ts';

const sizeBytes = 1024;
const wokenFunctions: readonly string[] = ['writer', 'distributor'];
const neverWoken: readonly string[] = ['watch', 'heartbeat'];
const requestsADay = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7];
const readShares = [0.99, 0.9, 0.5];
const sharedBy = [1, 10, 100, 1_000];
/** Requests a day up to which a workload counts as infrequent. */
const infrequent = 1e5;
const dataGiB = 1;

/** CPU of all processes of a system for reads and writes that come one at a time; memory of its processes. */
async function measure({ systems, own, options, recorder }: BenchContext): Promise<void> {
  for (const system of systems) {
    const record = (name: string, value: number) =>
      recorder.figure({ section: 'cost', name, system: system.name }, value);
    const count = options.quick ? BENCH.costOperations / 30 : BENCH.costOperations;
    const client = await system.connect({ cache: false });
    try {
      const root = ownRoot();
      const data = payload(sizeBytes);
      await client.create(root, data);
      await client.settled(root);
      const read = await cpuOf(system, count, () => client.getData(root));
      const write = await cpuOf(
        system,
        count,
        () => client.setData(root, data),
        () => client.settled(root),
      );
      if (read !== undefined) record(costNames.read, read);
      if (write !== undefined) record(costNames.write, write);
    } finally {
      await client.close();
    }
    const ours = named(own, system.name);
    if (ours === undefined) continue;
    const pids = Object.entries(ours.pids());
    const mib = async (of: (name: string) => boolean) =>
      (await residentBytesOf(pids.filter(([name]) => of(name)).map(([, pid]) => pid))) / 1024 / 1024;
    record(costNames.functions, await mib((name) => wokenFunctions.includes(name)));
    record(costNames.platform, await mib((name) => ![...wokenFunctions, ...neverWoken].includes(name)));
  }
}

/** µs for one, without the client; undefined where the processes are not ours. */
async function cpuOf(
  { name, wire }: BenchSystem,
  count: number,
  operation: () => Promise<unknown>,
  settled: () => Promise<unknown> = async () => undefined,
): Promise<number | undefined> {
  const before = await wire.cpuMs();
  await within(
    `${name} serves requests`,
    measureRound(operation, { outstanding: 1, mostMs: Number.POSITIVE_INFINITY, mostOperations: count, settled }),
  );
  const after = await wire.cpuMs();
  return before === undefined || after === undefined ? undefined : ((after - before) * 1000) / count;
}

const percent = (share: number) => `${Math.round(share * 100)} %`;
const many = (count: number) => count.toLocaleString('en-US');
const sharing = (instances: number) => (instances === 1 ? 'alone' : `of ${many(instances)}`);

function costs(inputs: CostInputs, prices: Prices): string {
  const rows = requestsADay.flatMap((requests) =>
    readShares.map((reads) => {
      const workload = { requests, reads, dataGiB };
      const own = sharedBy.map((instances) => ownCost(inputs, prices, { ...workload, instances }).total);
      const [machines, pods] = (['machines', 'pods'] as const).map((on) =>
        ensembleCost(inputs, prices, { ...workload, instances: 1 }, on),
      ) as [number, number];
      const last = own.at(-1) ?? Number.NaN;
      return [many(requests), percent(reads), ...own.map(money), money(machines), money(pods), times(machines / last)];
    }),
  );
  const shared = sharedBy.map(sharing);
  const head = ['requests a day', 'reads', ...shared, `3 × ${prices.vm.name}`, '3 pods', 'machines / last of ours'];
  return table(head, rows, 2);
}

function breakEvens(inputs: CostInputs, prices: Prices): string {
  const cellOf = (count: number | undefined) =>
    count === undefined ? 'never' : count === 0 ? 'always' : many(Number(count.toPrecision(2)));
  const rows = readShares.flatMap((reads) =>
    (['machines', 'pods'] as const).map((on) => [
      percent(reads),
      on === 'machines' ? `3 × ${prices.vm.name}` : '3 pods',
      ...sharedBy.map((instances) => cellOf(breakEven(inputs, prices, { reads, dataGiB, instances }, on))),
    ]),
  );
  return table(['reads', 'against', ...sharedBy.map(sharing)], rows, 2);
}

/** How many times less than rented machines, over the infrequent workloads: least and most. */
function savings(inputs: CostInputs, prices: Prices): string {
  const rows = sharedBy.map((instances) => {
    const ratios = requestsADay
      .filter((requests) => requests <= infrequent)
      .flatMap((requests) =>
        readShares.map((reads) => {
          const workload = { requests, reads, dataGiB, instances };
          return ensembleCost(inputs, prices, workload, 'machines') / ownCost(inputs, prices, workload).total;
        }),
      );
    return [sharing(instances), times(Math.min(...ratios)), times(Math.max(...ratios))];
  });
  return table(['one instance', 'least', 'most'], rows);
}

const money = (amount: number) => String(Number(amount.toPrecision(3)));
const times = (ratio: number) => `${figure(ratio)}×`;

function report(results: Results): string {
  const { head, rows } = figureColumns(results, 'cost');
  if (rows.length === 0) return '';
  const measured = table(['measured', ...head], rows);
  const prices = readPrices();
  const models = ownSystems.flatMap((system) => {
    const inputs = costInputs(results, system);
    if (inputs === undefined) return [];
    return [
      `#### ${systemTitles[system]}: ${prices.currency} a day\n\n${costs(inputs, prices)}\n\n` +
        `How many times less than three machines, up to ${many(infrequent)} requests a day:\n\n${savings(inputs, prices)}\n\n` +
        `Requests a day from which on the ensemble is the cheaper one:\n\n${breakEvens(inputs, prices)}`,
    ];
  });
  const parts = models.length === 0 ? '' : `\n\n${models.join('\n\n')}`;
  return `### Cost

Inputs, of requests of 1 KiB one at a time (batches cost less), and a model (\`test/bench/cost/model.ts\`) with prices that
can be changed (\`test/bench/cost/prices.json\`: ${prices.source}; ${prices.date}). "of 100": one of so many instances with
the same load that share servers, trigger, gateway and functions. Functions are up for 90 s after a write; ${dataGiB} GiB of data.
How much one machine or pod can do is not in the model.
The ensemble is one for each instance: three rented machines as in the paper, or three pods billed like ours for what
they take. The paper's prototype reports 110 to 719 times less than ZooKeeper for infrequent workloads.

${measured}${parts}`;
}

function plots(results: Results): BenchPlot[] {
  const inputs = costInputs(results, 'faaskeeper');
  if (inputs === undefined) return [];
  const prices = readPrices();
  const workload = { reads: 0.9, dataGiB };
  const points = (of: (requests: number) => number) =>
    requestsADay.map((requests) => [requests, of(requests)] as const);
  const series = [
    ...sharedBy.map((instances) => ({
      name: instances === 1 ? 'FaaSKeeper alone' : `one of ${many(instances)}`,
      kind: 'line' as const,
      points: points((requests) => ownCost(inputs, prices, { ...workload, requests, instances }).total),
    })),
    ...(['machines', 'pods'] as const).map((on) => ({
      name: on === 'machines' ? `3 × ${prices.vm.name}` : '3 pods',
      kind: 'line' as const,
      points: points((requests) => ensembleCost(inputs, prices, { ...workload, requests, instances: 1 }, on)),
    })),
  ];
  const title = `Cost a day, 90 % reads`;
  const axes = { x: { name: 'requests a day', scale: 'log' }, y: { name: prices.currency, scale: 'log' } } as const;
  return [{ name: 'cost', plot: { title, ...axes, series, height: 420 } }];
}

export const cost: Experiment = { parts: ['cost'], measure, report, plots };
