import { BENCH } from '../bounds.ts';
import { systemTitles } from '../client.ts';
import { type Round, spread } from '../measure.ts';
import type { Measurement, Results, Section } from '../results.ts';
import { floorBytes, floorNames } from '../scenarios/floors.ts';
import { stageNames } from '../scenarios/stages.ts';
import { figure, ratioText, sizeText, spreadText, table } from './format.ts';

type Metric = 'p50' | 'p99' | 'perSecond' | 'visiblePerSecond' | 'cpuMicros';

/** The same operation on both sides of a comparison. */
interface Pair {
  readonly operation: string;
  readonly sizeBytes: number | undefined;
  readonly outstanding: number;
  readonly ours: Measurement | undefined;
  readonly theirs: Measurement | undefined;
}

/** Everything of one run as Markdown. */
export function renderReport(results: Results): string {
  const parts = [
    heading(results),
    aims(results),
    latencies(results),
    throughput(results),
    gateway(results),
    idle(results),
    watch(results),
    children(results),
    primitives(results),
    floors(results),
    stages(results),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function heading({ date, seconds, settings, machine, versions }: Results): string {
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version.replace(/^v/, '')}`);
  const rounds = settings.rounds === 1 ? 'one round' : `median of ${settings.rounds} rounds (range in parentheses)`;
  return `Measured on ${date} in ${seconds} s: ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, load before ${machine.load.toFixed(1)};
${software.join(', ')}; client, functions and all servers on this one machine; ${rounds}.`;
}

function pairs(results: Results, section: Section, theirs: Measurement['system'] = 'zookeeper'): Pair[] {
  const found = new Map<string, Pair>();
  for (const one of results.measurements) {
    if (one.section !== section) continue;
    const key = `${one.operation}|${one.sizeBytes}|${one.outstanding}`;
    const known = found.get(key);
    const { operation, sizeBytes, outstanding } = one;
    found.set(key, {
      operation,
      sizeBytes,
      outstanding,
      ours: one.system === 'faaskeeper' ? one : known?.ours,
      theirs: one.system === theirs ? one : known?.theirs,
    });
  }
  return [...found.values()];
}

function values(measurement: Measurement | undefined, metric: Metric): number[] | undefined {
  const found = measurement?.rounds.map((round: Round) => round[metric]).filter((value) => value !== undefined);
  return found === undefined || found.length === 0 ? undefined : found;
}

/** Both sides' spreads and their ratio. */
function compared({ ours, theirs }: Pair, metric: Metric): string[] {
  const [left, right] = [values(ours, metric), values(theirs, metric)];
  return [left ? spreadText(left) : '–', right ? spreadText(right) : '–', ratioText(left, right)];
}

const { faaskeeper, zookeeper } = systemTitles;
const shown = (operation: string) => (operation === 'cachedGetData' ? 'getData, cached' : operation);

function aims(results: Results): string {
  const median = (
    operation: string,
    sizeBytes: number | undefined,
    metric: Metric,
    section: Section = 'operations',
  ) => {
    const pair = pairs(results, section).find(
      (one) => one.operation === operation && one.sizeBytes === sizeBytes && one.outstanding === 1,
    );
    const of = (side: Measurement | undefined) => spread(values(side, metric) ?? []).median;
    return { ours: of(pair?.ours), theirs: of(pair?.theirs) };
  };
  const write = median('setData', 1024, 'p50');
  const read = median('cachedGetData', 1024, 'perSecond');
  const marks = [1_000, results.settings.children].map(
    (mark) => median(`create, child ${mark}`, undefined, 'p50', 'children').ours,
  );
  const rows = [
    ['setData of 1 KiB, p50, against ZooKeeper', '≤ 5×', `${figure(write.ours / write.theirs)}×`],
    ['cached getData of 1 KiB, one sequential client', '≥ 215,000/s', `${figure(read.ours)}/s`],
    [
      `create as child ${results.settings.children.toLocaleString('en-US')}, p50, against child 1,000`,
      '≤ 2×',
      `${figure((marks[1] ?? Number.NaN) / (marks[0] ?? Number.NaN))}×`,
    ],
  ];
  rows.push(...gatewayAims(results));
  const known = rows.filter((row) => !row[2]?.startsWith('–'));
  return known.length === 0 ? '' : `### Aims\n\n${table(['figure', 'aim', 'measured'], known)}`;
}

/** The worst of each: the aims hold for any number of connections. */
function gatewayAims(results: Results): string[][] {
  const worst = (operation: string) => {
    const found = pairs(results, 'gateway').filter((pair) => pair.operation === operation && pair.outstanding > 1);
    const ratios = found.map(({ ours, theirs }) => {
      const of = (side: Measurement | undefined) => spread(values(side, 'perSecond') ?? []).median;
      return of(ours) / of(theirs);
    });
    return figure(ratios.length === 0 ? Number.NaN : Math.min(...ratios));
  };
  const idle = results.idle?.find(({ system }) => system === 'faaskeeper');
  const memory = idle && (idle.connected.resident - idle.before.resident) / idle.sessions / 1024;
  return [
    ['reads through the gateway, 8 to 128 connections, against ZooKeeper', '≥ 0.8×', `${worst('100 % reads')}×`],
    ['writes through the gateway, 8 to 128 connections, against ZooKeeper', '≥ 0.3×', `${worst('0 % reads')}×`],
    ['memory of the gateway for an idle session', '≤ 20 KiB', `${figure(memory ?? Number.NaN)} KiB`],
  ];
}

function latencies(results: Results): string {
  const rows = pairs(results, 'operations')
    .filter(({ outstanding }) => outstanding === 1)
    .sort(byOperation)
    .map((pair) => [
      shown(pair.operation),
      sizeText(pair.sizeBytes ?? 0),
      ...compared(pair, 'p50'),
      ...compared(pair, 'p99'),
    ]);
  if (rows.length === 0) return '';
  const head = ['operation', 'data', `${faaskeeper} p50`, `${zookeeper} p50`, 'ratio', `${faaskeeper} p99`];
  const title = '### Latency, one request at a time (ms)';
  return `${title}\n\n${table([...head, `${zookeeper} p99`, 'ratio'], rows, 2)}`;
}

function throughput(results: Results): string {
  const rows = pairs(results, 'operations')
    .sort(byOperation)
    .map((pair) => {
      const visible = values(pair.ours, 'visiblePerSecond');
      return [
        shown(pair.operation),
        sizeText(pair.sizeBytes ?? 0),
        String(pair.outstanding),
        ...compared(pair, 'perSecond'),
        visible ? spreadText(visible) : '–',
      ];
    });
  if (rows.length === 0) return '';
  const head = ['operation', 'data', 'outstanding', `${faaskeeper}/s`, `${zookeeper}/s`, 'ratio', 'visible/s'];
  return `### Throughput

Operations per second of one session with so many outstanding. "visible/s" counts FaaSKeeper's writes until user storage
shows all of them.

${table(head, rows, 2)}`;
}

function gateway(results: Results): string {
  const rows = pairs(results, 'gateway').map((pair) => [
    pair.operation,
    String(pair.outstanding),
    ...compared(pair, 'perSecond'),
    ...compared(pair, 'cpuMicros'),
    ...compared(pair, 'p50'),
    ...compared(pair, 'p99'),
  ]);
  if (rows.length === 0) return '';
  const head = [
    'mix',
    'connections',
    'gateway/s',
    `${zookeeper}/s`,
    'ratio',
    'gateway CPU',
    `${zookeeper} CPU`,
    'ratio',
    'gateway p50',
    `${zookeeper} p50`,
    'ratio',
  ];
  return `### Through the gateway

getData and setData of 1 KiB on ${BENCH.nodes} nodes by ZooKeeper's clients, each connection with one request at a time; the clients
are a process of their own, the same for both. CPU is the time of all processes of the system for one operation, until it
is visible, in µs: it tells more than the rates where others use the machine. Latencies in ms.

${table([...head, 'gateway p99', `${zookeeper} p99`, 'ratio'], rows, 1)}`;
}

function idle({ idle }: Results): string {
  if (idle === undefined) return '';
  const kib = (bytes: number) => figure(bytes / 1024);
  const mib = (bytes: number) => figure(bytes / 1024 / 1024);
  const rows = idle.flatMap(({ system, sessions, before, connected, churn, after }) =>
    (['resident', 'live'] as const).map((kind) => [
      system === 'faaskeeper' ? 'gateway' : zookeeper,
      kind,
      mib(before[kind]),
      mib(connected[kind]),
      kib((connected[kind] - before[kind]) / sessions),
      mib(after[kind]),
      figure(churn.count),
      figure((churn.count / churn.ms) * 1000),
    ]),
  );
  const { sessions = 0 } = idle[0] ?? {};
  const many = sessions.toLocaleString('en-US');
  const head = [
    'server',
    'memory',
    'before, MiB',
    `${many} sessions, MiB`,
    'per session, KiB',
    'after, MiB',
    'came and went',
    'sessions/s',
  ];
  return `### Memory of idle sessions

Of the server that clients connect to, each time after a garbage collection: "resident" is what the operating system
counts, "live" what can still be reached. "After": these sessions are closed, and more came and went, so many per second.

${table(head, rows, 2)}`;
}

const order = ['create', 'setData', 'delete', 'getData', 'cachedGetData', 'exists', 'getChildren'];

function byOperation(one: Pair, other: Pair): number {
  const place = ({ operation }: Pair) => order.indexOf(operation);
  return (
    place(one) - place(other) || (one.sizeBytes ?? 0) - (other.sizeBytes ?? 0) || one.outstanding - other.outstanding
  );
}

function watch(results: Results): string {
  const rows = pairs(results, 'watch').map((pair) => [
    `${pair.operation}, ${sizeText(pair.sizeBytes ?? 0)}`,
    ...compared(pair, 'p50'),
    ...compared(pair, 'p99'),
  ]);
  if (rows.length === 0) return '';
  const head = ['from request to event', `${faaskeeper} p50`, `${zookeeper} p50`, 'ratio', `${faaskeeper} p99`];
  return `### Watch notification (ms)\n\n${table([...head, `${zookeeper} p99`, 'ratio'], rows)}`;
}

function children(results: Results): string {
  const rows = pairs(results, 'children').map((pair) => [
    pair.operation.replace(/\d+$/, (mark) => Number(mark).toLocaleString('en-US')),
    ...compared(pair, 'p50'),
    ...compared(pair, 'p99'),
  ]);
  if (rows.length === 0) return '';
  const head = ['operation', `${faaskeeper} p50`, `${zookeeper} p50`, 'ratio', `${faaskeeper} p99`];
  return `### A parent with many children (ms)\n\n${table([...head, `${zookeeper} p99`, 'ratio'], rows)}`;
}

function primitives(results: Results): string {
  const rows = pairs(results, 'primitives', 'redis').map((pair) => [
    pair.operation,
    String(pair.outstanding),
    ...compared(pair, 'p50'),
    ...compared(pair, 'perSecond'),
  ]);
  if (rows.length === 0) return '';
  const head = ['primitive', 'outstanding', 'p50 ms', 'plain Redis p50 ms', 'ratio', 'per second'];
  return `### Synchronization primitives

Against the nearest plain commands (SET NX and DEL, PEXPIRE, INCRBY, RPUSH and RPOP, LSET) on the same Redis, which
promise less.

${table([...head, 'plain Redis per second', 'ratio'], rows)}`;
}

/** What a write of 1 KiB cannot go below, and what it takes. */
function floors(results: Results): string {
  const found = pairs(results, 'floors');
  if (found.length === 0) return '';
  const of = (name: string) => values(found.find(({ operation }) => operation === name)?.ours, 'p50');
  const rows = found.map(({ operation, ours }) => [
    operation,
    spreadText(values(ours, 'p50') ?? []),
    spreadText(values(ours, 'p99') ?? []),
  ]);
  const parts = [floorNames.append, floorNames.memory, floorNames.http];
  const floor = parts.reduce((sum, name) => sum + spread(of(name) ?? []).median, 0);
  const written = values(
    pairs(results, 'operations').find(
      ({ operation, sizeBytes, outstanding }) =>
        operation === 'setData' && sizeBytes === floorBytes && outstanding === 1,
    )?.ours,
    'p50',
  );
  const verdict =
    written === undefined
      ? ''
      : `\n\nThe acknowledged path of a setData of ${sizeText(floorBytes)} is a publication into a memory stream and a reply (together
about one append in memory), an HTTP request and the synced append: ${figure(floor)} ms
if nothing of ours took time. It takes ${figure(spread(written).median)} ms: ${figure(spread(written).median / floor)}× its floor.`;
  return `### Floors of a write (${sizeText(floorBytes)}, one at a time, ms)\n\n${table(['part', 'p50', 'p99'], rows)}${verdict}`;
}

/** Where the time of a write goes, seen from outside. */
function stages(results: Results): string {
  const found = pairs(results, 'stages');
  if (found.length === 0) return '';
  const cell = (name: string, mode: string, metric: Metric) => {
    const times = values(found.find(({ operation }) => operation === `${name}|${mode}`)?.ours, metric);
    return times === undefined ? '–' : spreadText(times);
  };
  const rows = Object.values(stageNames).map((name) => [
    name,
    ...['at rest', 'back to back'].flatMap((mode) => [cell(name, mode, 'p50'), cell(name, mode, 'p99')]),
  ]);
  const head = ['stage', 'at rest p50', 'at rest p99', 'back to back p50', 'back to back p99'];
  return `### Stages of a setData (${sizeText(floorBytes)}, one at a time, ms)

Between the messages of a write, as another connection sees them: with nothing else going on, and with each write sent
as soon as the one before is acknowledged, while user storage is still written for that.

${table(head, rows)}`;
}
