import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connectRedis } from '@faaskeeper/functions/stores';
import { keptSecret, type RedisServer, randomSecret, startRedis } from '../../../operator/servers/index.ts';
import { CHAOS } from '../bounds.ts';
import type { Component } from './component.ts';
import type { Network } from './network.ts';
import type { RedisControl } from './system.ts';

/** Where Redis keeps what it has acknowledged. */
const AOF = 'appendonlydir';

/** Redis, and with `replica` a second one that follows it through the link `replica→redis`. */
export interface RedisPair {
  readonly primary: RedisServer;
  readonly replica: RedisServer | undefined;
}

export async function startRedisPair(dataDirs: { redis: string; replica?: string }): Promise<RedisPair> {
  const password = randomSecret();
  const start = async (dataDir: string) => {
    await keptSecret(join(dataDir, 'passwords', 'default'), () => password);
    return startRedis({ dataDir });
  };
  const [primary, replica] = await Promise.all([
    start(dataDirs.redis),
    dataDirs.replica === undefined ? undefined : start(dataDirs.replica),
  ]);
  return { primary, replica };
}

export interface RedisControlOptions {
  readonly pair: RedisPair;
  readonly components: ReadonlyMap<string, Component>;
  readonly network: Network;
  /** For copies of its data. */
  readonly directory: string;
  readonly dataDir: string;
}

export async function redisControl(options: RedisControlOptions): Promise<RedisControl> {
  const { pair, components, network, directory, dataDir } = options;
  let { primary, replica } = pair;
  const copy = join(directory, 'older-redis');
  const component = components.get('redis') as Component;
  const follow = async () => {
    if (replica === undefined) return;
    const [link] = network.between('replica', 'redis');
    if (link === undefined) throw new Error('The replica has no link');
    link.retarget({ host: primary.host, port: primary.port });
    link.state = 'open';
    await ask(replica, async (redis) => {
      await redis.config('SET', 'masterauth', primary.password);
      await redis.replicaof('127.0.0.1', link.port);
    });
  };
  await follow();
  return {
    flush: () => ask(primary, (redis) => redis.flushall()),
    async remember() {
      await rm(copy, { recursive: true, force: true });
      await mkdir(copy, { recursive: true });
      // What is cut off at the end by copying while it is written, Redis leaves out when it loads it.
      await cp(join(dataDir, AOF), join(copy, AOF), { recursive: true });
    },
    async rollBack() {
      component.pause();
      await rm(join(dataDir, AOF), { recursive: true });
      await cp(join(copy, AOF), join(dataDir, AOF), { recursive: true });
      component.crash();
      await component.ready(CHAOS.nemesisMs);
    },
    lag: replica === undefined ? undefined : () => setLag(network),
    promote:
      replica === undefined
        ? undefined
        : async () => {
            [primary, replica] = [replica as RedisServer, primary];
            await ask(primary, (redis) => redis.replicaof('NO', 'ONE'));
            const { host, port } = primary;
            for (const link of network.between(undefined, 'redis')) {
              if (!link.name.startsWith('replica')) link.retarget({ host, port });
            }
            await follow();
          },
  };
}

function setLag(network: Network): void {
  for (const link of network.between('replica', 'redis')) link.state = 'cut';
}

async function ask(
  server: RedisServer,
  what: (redis: ReturnType<typeof connectRedis>) => Promise<unknown>,
): Promise<void> {
  const redis = connectRedis({ url: server.url, name: 'nemesis' });
  // It connects again by itself; what is asked fails if it does not come about.
  redis.on('error', () => undefined);
  try {
    await what(redis);
  } finally {
    redis.disconnect();
  }
}
