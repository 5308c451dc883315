import type { OwnSystem, SystemName } from '../client.ts';
import type { Results } from '../results.ts';
import { coldStages } from '../scenarios/coldstart.ts';
import { floorNames } from '../scenarios/floors.ts';
import { idleNames } from '../scenarios/idle.ts';
import { putName, sustainedNames } from '../scenarios/sustained.ts';
import { figure, table } from './format.ts';
import { figureOf, type Metric, median, type Row, rowsOf, values } from './rows.ts';

/** A figure that is to be at most, or at least, so much. */
interface Aim {
  readonly about: string;
  readonly most?: number;
  readonly least?: number;
  readonly unit: string;
  /** NaN: not measured. */
  readonly measured: number;
}

const KiB = 1024;

/** The aims that a run can judge; the others are measured on a cluster. */
export function aimsOf(results: Results): Aim[] {
  const row = (operation: string, sizeBytes: number, outstanding = 1) =>
    rowsOf(results, 'operations').find(
      (one) => one.operation === operation && one.sizeBytes === sizeBytes && one.outstanding === outstanding,
    );
  const ratio = (of: Row | undefined, own: OwnSystem, metric: Metric, to: SystemName = 'zookeeper') =>
    median(of, own, metric) / median(of, to, metric);
  return [
    {
      about: 'setData of 1 KiB, p50, against ZooKeeper',
      most: 3,
      unit: '×',
      measured: ratio(row('setData', KiB), 'faaskeeper', 'p50'),
    },
    {
      about: 'the same through warm Knative: see [kubernetes.md](kubernetes.md)',
      most: 10,
      unit: '×',
      measured: Number.NaN,
    },
    ...sustainedAims(results),
    {
      about: 'cached reads of 1 KiB per client, against ZooKeeper',
      least: 100,
      unit: '×',
      measured: ratio(row('cachedGetData', KiB), 'faaskeeper', 'perSecond'),
    },
    {
      about: 'uncached read of 1 KiB from S3, p50, against a bare GET',
      most: 1.3,
      unit: '×',
      measured: median(row('getData', KiB), 'faaskeeper', 'p50') / floorOf(results, floorNames.get),
    },
    {
      about: 'uncached read of 1 KiB from hybrid storage, p50, against ZooKeeper',
      most: 1.5,
      unit: '×',
      measured: ratio(row('getData', KiB), 'hybrid', 'p50'),
    },
    {
      about: '250 KiB reads from S3, 64 outstanding, against ZooKeeper',
      least: 1,
      unit: '×',
      measured: ratio(row('getData', 250 * KiB, 64), 'faaskeeper', 'perSecond'),
    },
    ...gatewayAims(results),
    {
      about: 'write request to watch event at another client, p50, against ZooKeeper',
      most: 5,
      unit: '×',
      measured: ratio(rowsOf(results, 'watch')[0], 'faaskeeper', 'p50'),
    },
    ...idleAims(results),
    {
      about: 'start of a function until its first answer, the slowest function',
      most: 150,
      unit: ' ms',
      measured: coldStart(results),
    },
    {
      about: `create as child ${results.settings.children.toLocaleString('en-US')}, p50, against child 100`,
      most: 1.5,
      unit: '×',
      measured: children(results),
    },
    {
      about: 'setData in the largest tree, p50, against the smallest',
      most: 1.5,
      unit: '×',
      measured: treeGrowth(results),
    },
  ];
}

function sustainedAims(results: Results): Aim[] {
  const rows = rowsOf(results, 'sustained');
  const of = (operation: string) => rows.find((row) => row.operation === operation);
  const [hot, distinct] = [of(sustainedNames.hot), of(sustainedNames.distinct)];
  const hybrid = median(hot, 'hybrid', 'visiblePerSecond');
  const put = median(of(putName), 's3', 'perSecond');
  const about = 'sustained writes, 64 outstanding, hybrid storage, against';
  return [
    { about: `${about} ZooKeeper`, least: 0.7, unit: '×', measured: hybrid / median(hot, 'zookeeper', 'perSecond') },
    { about: `${about} the ensemble`, least: 1, unit: '×', measured: hybrid / median(hot, 'ensemble', 'perSecond') },
    {
      about: "sustained creates of distinct nodes, S3 storage, against the store's own PUTs",
      least: 0.9,
      unit: '×',
      measured: median(distinct, 'faaskeeper', 'visiblePerSecond') / put,
    },
  ];
}

/** The worst of each: the aims hold for any number of connections above one. */
function gatewayAims(results: Results): Aim[] {
  const worst = (operation: string) => {
    const rows = rowsOf(results, 'gateway').filter((row) => row.operation === operation && row.outstanding > 1);
    const ratios = rows.map((row) => median(row, 'faaskeeper', 'perSecond') / median(row, 'zookeeper', 'perSecond'));
    return ratios.length === 0 ? Number.NaN : Math.min(...ratios);
  };
  const about = 'through the gateway, 8 connections and more, against ZooKeeper';
  return [
    { about: `reads ${about}`, least: 1, unit: '×', measured: worst('100 % reads') },
    { about: `writes ${about}`, least: 0.5, unit: '×', measured: worst('0 % reads') },
  ];
}

function idleAims(results: Results): Aim[] {
  const of = (name: string, system: SystemName) => figureOf(results, 'idle', name, system);
  const ensembleKiB = of(idleNames.memory, 'ensemble') * KiB;
  return [
    {
      about: 'a three-server ensemble’s memory against that of one more idle instance',
      least: 1_000,
      unit: '×',
      measured: ensembleKiB / of(idleNames.instance, 'faaskeeper'),
    },
    {
      about: 'function invocations of an idle instance',
      most: 0,
      unit: '',
      measured: of(idleNames.invocations, 'faaskeeper'),
    },
  ];
}

function floorOf(results: Results, name: string): number {
  return median(
    rowsOf(results, 'floors').find(({ operation }) => operation === name),
    'faaskeeper',
    'p50',
  );
}

function coldStart(results: Results): number {
  const answers = rowsOf(results, 'coldstart').filter(({ operation }) => operation.endsWith(`: ${coldStages.answer}`));
  const times = answers.flatMap(({ by }) => [...by.values()].flatMap((measured) => values(measured, 'p50') ?? []));
  return times.length === 0
    ? Number.NaN
    : Math.max(...answers.map((row) => median(row, [...row.by.keys()][0] as SystemName, 'p50')));
}

function children(results: Results): number {
  const at = (mark: number) =>
    median(
      rowsOf(results, 'children').find(({ operation }) => operation === `create, child ${mark}`),
      'faaskeeper',
      'p50',
    );
  return at(results.settings.children) / at(100);
}

function treeGrowth(results: Results): number {
  const rows = rowsOf(results, 'tree').filter(({ operation }) => operation.startsWith('setData|'));
  return rows.length < 2 ? Number.NaN : median(rows.at(-1), 'faaskeeper', 'p50') / median(rows[0], 'faaskeeper', 'p50');
}

export function aims(results: Results): string {
  const all = aimsOf(results);
  if (all.every(({ measured }) => Number.isNaN(measured))) return '';
  const rows = all.map(({ about, most, least, unit, measured }) => {
    if (Number.isNaN(measured)) return [about, boundOf(most, least, unit), '–', 'not measured'];
    const isMet = measured <= (most ?? Number.POSITIVE_INFINITY) && measured >= (least ?? Number.NEGATIVE_INFINITY);
    return [about, boundOf(most, least, unit), `${figure(measured)}${unit}`, isMet ? 'met' : '**not met**'];
  });
  return `### Aims\n\n${table(['figure', 'aim', 'measured', ''], rows)}`;
}

function boundOf(most: number | undefined, least: number | undefined, unit: string): string {
  return `${most === undefined ? `≥ ${least?.toLocaleString('en-US')}` : `≤ ${most}`}${unit}`;
}
