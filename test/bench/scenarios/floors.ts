import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connectRedis, type OpenStores, openStores } from '@faaskeeper/functions/stores';
import { type InstanceSpec, LIMITS } from '@faaskeeper/protocol';
import { BENCH } from '../bounds.ts';
import { measureRound, within } from '../measure.ts';
import { figure, sizeText, table } from '../report/format.ts';
import { cell, median, rowsOf, values } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { anyOwn, type BenchContext, payload, takeTurns } from './context.ts';
import type { Experiment } from './experiment.ts';

export const floorBytes = 1024;
export const floorNames = {
  append: 'JetStream append with expected last sequence, synced',
  memory: 'JetStream append in memory',
  core: 'core NATS request and reply',
  redis: 'Redis SET, synced',
  put: 'S3 PUT',
  get: 'S3 GET',
  http: 'HTTP request to a function',
} as const;

interface Floor {
  readonly name: string;
  readonly operation: (index: number) => Promise<unknown>;
}

/** What a write stands on, each alone, on the same servers: no path of ours can take less than its parts. */
async function measure(context: BenchContext): Promise<void> {
  const { options, recorder } = context;
  const system = anyOwn(context);
  if (system === undefined) return;
  const { stores: config, redisUrl, functionUrls } = system.servers;
  const stores = await openStores(config, { name: 'faaskeeper-bench' });
  const answering = await openStores(config, { name: 'faaskeeper-bench-answers' });
  const redis = connectRedis({ url: redisUrl, name: 'faaskeeper-bench' });
  const agent = new Agent({ keepAlive: true });
  const id = `bench${randomBytes(4).toString('hex')}`;
  try {
    const parts = [
      ...(await natsFloors(stores, answering, id)),
      ...storeFloors(stores, redis, id),
      { name: floorNames.http, operation: () => get(agent, `${functionUrls.writer}/health/live`) },
    ];
    const limits = { outstanding: 1, mostMs: options.roundMs, mostOperations: BENCH.floorOperations };
    await takeTurns(parts, options.rounds, async ({ name, operation }) => {
      const round = await within(name, measureRound(operation, limits));
      recorder.add(
        { section: 'floors', operation: name, system: 'faaskeeper', sizeBytes: floorBytes, outstanding: 1 },
        round,
      );
    });
  } finally {
    agent.destroy();
    redis.disconnect();
    await Promise.all([stores.close(), answering.close()]);
  }
}

/** The streams go with the server's data. */
async function natsFloors(stores: OpenStores, answering: OpenStores, id: string): Promise<Floor[]> {
  const manager = await stores.nats.jetstreamManager();
  const jetstream = stores.nats.jetstream();
  const data = payload(floorBytes);
  for (const storage of ['file', 'memory'] as const) {
    // The library's type is an enum of these two words.
    await manager.streams.add({ name: `${id}-${storage}`, subjects: [`${id}.${storage}`], storage: storage as never });
  }
  answering.nats.subscribe(`${id}.echo`, { callback: (_, message) => void message.respond(message.data) });
  await answering.nats.flush();
  let lastSequence = 0;
  return [
    {
      name: floorNames.append,
      async operation() {
        lastSequence = (await jetstream.publish(`${id}.file`, data, { expect: { lastSequence } })).seq;
      },
    },
    { name: floorNames.memory, operation: () => jetstream.publish(`${id}.memory`, data) },
    { name: floorNames.core, operation: () => stores.nats.request(`${id}.echo`, data) },
  ];
}

function storeFloors(stores: OpenStores, redis: ReturnType<typeof connectRedis>, id: string): Floor[] {
  const { objects } = stores.instance(undeclared(id));
  const data = Buffer.from(payload(floorBytes));
  const key = (index: number) => `${id}/${index % BENCH.nodes}`;
  return [
    { name: floorNames.redis, operation: (index) => redis.set(key(index), data) },
    { name: floorNames.put, operation: (index) => objects.put(key(index), data) },
    { name: floorNames.get, operation: (index) => objects.get(key(index)) },
  ];
}

/** An instance that only names a place in the stores: nobody serves it. */
function undeclared(id: string): InstanceSpec {
  return {
    id,
    storagePrefix: `${id}/`,
    userStorage: { type: 'S3' },
    sessions: { minTimeout: LIMITS.sessionTimeoutMin, maxTimeout: LIMITS.sessionTimeoutMax },
    containerCheckInterval: 60_000,
    logReplicas: 1,
    checkpointBytes: LIMITS.payloadBytes,
    checkpointMessages: 1_000,
  };
}

function get(agent: Agent, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent }, (answer) => {
      answer.resume();
      answer.once('end', resolve);
      answer.once('error', reject);
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** What a write of 1 KiB cannot go below, and what it takes. */
function report(results: Results): string {
  const rows = rowsOf(results, 'floors');
  if (rows.length === 0) return '';
  const shown = rows.map((row) => {
    const measured = row.by.get('faaskeeper');
    return [row.operation, cell(values(measured, 'p50')), cell(values(measured, 'p99'))];
  });
  const parts: readonly string[] = [floorNames.append, floorNames.memory, floorNames.http];
  const floor = rows
    .filter(({ operation }) => parts.includes(operation))
    .reduce((sum, row) => sum + median(row, 'faaskeeper', 'p50'), 0);
  const written = rowsOf(results, 'operations').find(
    ({ operation, sizeBytes, outstanding }) => operation === 'setData' && sizeBytes === floorBytes && outstanding === 1,
  );
  const takes = median(written, 'faaskeeper', 'p50');
  const verdict = Number.isNaN(takes)
    ? ''
    : `\n\nThe acknowledged path of a setData of ${sizeText(floorBytes)} is a publication into a memory stream and a reply
(together about one append in memory), an HTTP request and the synced append: ${figure(floor)} ms
if nothing of ours took time. It takes ${figure(takes)} ms: ${figure(takes / floor)}× its floor.`;
  const title = `### Floors of a write (${sizeText(floorBytes)}, one at a time, ms)`;
  return `${title}\n\n${table(['part', 'p50', 'p99'], shown)}${verdict}`;
}

export const floors: Experiment = { parts: ['floors'], measure, report };
