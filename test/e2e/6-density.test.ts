/** Proof 6: what idle instances cost, everything counted, against an ensemble of ZooKeeper on the same machine. */
import { has } from '../support/programs.ts';
import { type Cost, costOf, difference, mebibytes, total } from './support/cost.ts';
import { type Ensemble, startEnsemble } from './support/ensemble.ts';
import { manifest, namespaceOf, removeNamespace } from './support/instances.ts';
import { livingFunctionPods } from './support/pods.ts';
import { figure, kubectl, milliseconds, progress } from './support/run.ts';
import { until } from './support/until.ts';

const INSTANCES = Number(process.env.FAASKEEPER_E2E_INSTANCES ?? 200);
const DEDICATED = 5;
/** Minutes pass before servers give back what a burst of work took. How long all is left alone before it is counted, and how long CPU time is watched. */
const SETTLE_MS = 300_000;
const WATCH_MS = 30_000;
/** The ensemble's memory over that of one more instance. */
const AIM = 700;
const java = has('java', '-version') && has('mvn', '-version');
const withJava = java ? test : test.skip;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const kibibytes = (bytes: number) => `${Math.round(bytes / 1_024)} KiB`;
let namespace: string;
/** Idle beside the instances all the while, so that both settle at the same time. */
let ensemble: Ensemble | undefined;
let settled: Idle | undefined;
let perInstance: { readonly all: number; readonly grown: number } | undefined;

beforeAll(async () => {
  namespace = await namespaceOf('many');
  if (java) ensemble = await startEnsemble();
}, 300_000);

afterAll(async () => {
  await ensemble?.[Symbol.asyncDispose]();
  if (namespace === undefined) return;
  const begun = performance.now();
  await removeNamespace(namespace, 1_500);
  figure(
    6,
    `${2 * INSTANCES + DEDICATED} instances removed with their data after`,
    milliseconds(performance.now() - begun),
  );
}, 1_800_000);

interface Idle {
  readonly memory: Cost;
  readonly cpu: number;
}

/** Memory at rest, and CPU time of a while: functions are at zero. */
async function idle(): Promise<Idle> {
  await until(
    async () => {
      if ((await livingFunctionPods()).length > 0) throw new Error('functions still run');
    },
    { timeoutMs: 300_000, everyMs: 2_000 },
  );
  await sleep(SETTLE_MS);
  const first = await costOf();
  await sleep(WATCH_MS);
  const last = await costOf();
  return { memory: last, cpu: (total(last).cpuSeconds - total(first).cpuSeconds) / (WATCH_MS / 1_000) };
}

async function declareMany(prefix: string, count: number, spec: object): Promise<void> {
  const items = Array.from({ length: count }, (_, at) => manifest({ namespace, name: `${prefix}-${at}` }, spec));
  await kubectl().run(['apply', '--filename', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await kubectl().run([
    ...['wait', '--for=condition=Ready', 'faaskeepers', '--all', '--namespace', namespace, '--timeout=1500s'],
  ]);
}

/** Bytes of each one more: of everything, and of what did not shrink meanwhile. */
function report(what: string, before: Cost, after: Cost, count: number): { all: number; grown: number } {
  const parts = difference(before, after);
  for (const { name, bytes } of parts.slice(0, 8)) {
    progress(`${what}: ${name} ${Math.round(bytes / count / 1_024)} KiB each`);
  }
  const sum = (all: typeof parts) => all.reduce((bytes, part) => bytes + part.bytes, 0) / count;
  return { all: sum(parts), grown: sum(parts.filter(({ bytes }) => bytes > 0)) };
}

test(`${INSTANCES} idle instances more`, async () => {
  // As many first: what a burst of declarations makes grow once (heaps, pools, caches) is not of one more instance.
  await declareMany('first', INSTANCES, { deletionPolicy: 'Delete' });
  const before = await idle();
  const begun = performance.now();
  await declareMany('shared', INSTANCES, { deletionPolicy: 'Delete' });
  figure(6, `${INSTANCES} more instances Ready after`, milliseconds(performance.now() - begun));
  const after = await idle();
  settled = after;
  perInstance = report('Shared', before.memory, after.memory, INSTANCES);
  figure(6, `everything with ${INSTANCES} instances: memory`, mebibytes(total(before.memory).memoryBytes));
  figure(6, `everything with ${2 * INSTANCES} instances: memory`, mebibytes(total(after.memory).memoryBytes));
  figure(6, 'one more idle instance, Shared: memory', kibibytes(perInstance.all));
  figure(6, '… only processes that grew', kibibytes(perInstance.grown));
  const parts = difference(before.memory, after.memory).slice(0, 5);
  figure(
    6,
    '… of that',
    parts.map(({ name, bytes }) => `${name.split('/').at(-1)} ${kibibytes(bytes / INSTANCES)}`).join(', '),
  );
  figure(6, 'one more idle instance, Shared: CPU', `${((1_000 * (after.cpu - before.cpu)) / INSTANCES).toFixed(2)} m`);
}, 3_600_000);

test(`${DEDICATED} idle instances with functions of their own`, async () => {
  const before = settled ?? (await idle());
  await declareMany('dedicated', DEDICATED, { deletionPolicy: 'Delete', functions: { isolation: 'Dedicated' } });
  const after = await idle();
  const { all } = report('Dedicated', before.memory, after.memory, DEDICATED);
  figure(6, 'one more idle instance, Dedicated: memory', kibibytes(all));
}, 1_800_000);

withJava(
  'an ensemble of three ZooKeeper servers (needs a JDK and Maven)',
  async () => {
    if (ensemble === undefined) throw new Error('The ensemble did not start');
    if (settled === undefined) await sleep(SETTLE_MS);
    const first = await ensemble.cost();
    await sleep(WATCH_MS);
    const last = await ensemble.cost();
    figure(6, 'idle ensemble of three ZooKeeper servers: memory', mebibytes(last.memoryBytes));
    const cpu = (last.cpuSeconds - first.cpuSeconds) / (WATCH_MS / 1_000);
    figure(6, 'idle ensemble of three ZooKeeper servers: CPU', `${(1_000 * cpu).toFixed(2)} m`);
    if (perInstance === undefined) return;
    const ratio = (bytes: number) =>
      bytes <= 0 ? 'below what can be measured' : `${Math.round(last.memoryBytes / bytes)}`;
    figure(6, `ensemble / further idle instance (aim: ${AIM})`, ratio(perInstance.all));
    figure(6, 'the same, only processes that grew', ratio(perInstance.grown));
  },
  600_000,
);
