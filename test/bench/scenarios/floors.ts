import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connectRedis, type OpenStores, openStores } from '@faaskeeper/functions/stores';
import { type InstanceSpec, LIMITS } from '@faaskeeper/protocol';
import { BENCH } from '../bounds.ts';
import { measureRound, within } from '../measure.ts';
import type { FaaSKeeperSystem } from '../systems/faaskeeper.ts';
import { type BenchContext, payload, takeTurns } from './context.ts';

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
export async function measureFloors(context: BenchContext, system: FaaSKeeperSystem): Promise<void> {
  const { options, recorder, say } = context;
  if (!options.parts.has('floors')) return;
  say('floors: what the parts of a write cost alone');
  const { stores: config, redisUrl, writerUrl } = system.servers;
  const stores = await openStores(config, { name: 'faaskeeper-bench' });
  const answering = await openStores(config, { name: 'faaskeeper-bench-answers' });
  const redis = connectRedis({ url: redisUrl, name: 'faaskeeper-bench' });
  const agent = new Agent({ keepAlive: true });
  const id = `bench${randomBytes(4).toString('hex')}`;
  try {
    const floors = [
      ...(await natsFloors(stores, answering, id)),
      ...storeFloors(stores, redis, id),
      { name: floorNames.http, operation: () => get(agent, `${writerUrl}/health/live`) },
    ];
    const limits = { outstanding: 1, mostMs: options.roundMs, mostOperations: BENCH.floorOperations };
    await takeTurns(floors, options.rounds, async ({ name, operation }) => {
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
