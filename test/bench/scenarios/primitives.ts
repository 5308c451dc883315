import { randomBytes } from 'node:crypto';
import { AtomicCounter, AtomicList, connectRedis, TimedLock } from '@faaskeeper/functions/stores';
import { BENCH } from '../bounds.ts';
import { measureRound, within } from '../measure.ts';
import type { FaaSKeeperSystem } from '../systems/faaskeeper.ts';
import { type BenchContext, takeTurns } from './context.ts';

type Redis = ReturnType<typeof connectRedis>;
type Operation = (index: number) => Promise<unknown>;

/** A primitive beside the nearest thing that plain Redis has, which guarantees less. */
interface Comparison {
  readonly name: string;
  readonly ours: Operation;
  readonly plain: Operation;
}

const ttlMs = 10_000;
const value = Buffer.alloc(32, 'v');

/** The three synchronization primitives, against plain Redis commands on the same server. */
export async function measurePrimitives(context: BenchContext, system: FaaSKeeperSystem): Promise<void> {
  const { options, recorder, say } = context;
  if (!options.parts.has('primitives')) return;
  say('synchronization primitives');
  const redis = connectRedis({ url: system.servers.redisUrl, name: 'faaskeeper-bench' });
  const prefix = `bench:${randomBytes(4).toString('hex')}`;
  try {
    for (const { name, ours, plain } of await comparisons(redis, prefix)) {
      for (const outstanding of options.outstanding.slice(0, 2)) {
        const limits = {
          outstanding,
          mostMs: options.roundMs,
          mostOperations: BENCH.primitiveOperations * outstanding,
        };
        const sides = [
          { system: 'faaskeeper', operation: ours },
          { system: 'redis', operation: plain },
        ] as const;
        await takeTurns(sides, options.rounds, async (side) => {
          const round = await within(name, measureRound(side.operation, limits));
          recorder.add({ section: 'primitives', operation: name, system: side.system, outstanding }, round);
        });
      }
    }
  } finally {
    redis.disconnect();
  }
}

async function comparisons(redis: Redis, prefix: string): Promise<Comparison[]> {
  const lock = (index: number) => new TimedLock(redis, `${prefix}:lock:${index}`);
  const counter = new AtomicCounter(redis, `${prefix}:counter`);
  const list = new AtomicList(redis, `${prefix}:list`);
  const plainList = `${prefix}:plain-list`;
  for (let i = 0; i < BENCH.listElements; i++) {
    await list.append(`kept-${i}`, value);
    await redis.rpush(plainList, value);
  }
  return [
    {
      name: 'timed lock: acquire and release',
      async ours(index) {
        const own = lock(index);
        await own.acquire('bench', ttlMs);
        await own.release('bench');
      },
      async plain(index) {
        await redis.set(`${prefix}:plain-lock:${index}`, 'bench', 'PX', ttlMs, 'NX');
        await redis.del(`${prefix}:plain-lock:${index}`);
      },
    },
    {
      name: 'timed lock: extend',
      ours: held(lock(-1), (own) => own.extend('bench', ttlMs)),
      plain: () => redis.pexpire(`${prefix}:list`, 1_000_000),
    },
    {
      name: 'atomic counter: add',
      ours: () => counter.add(1),
      plain: () => redis.incrby(`${prefix}:plain-counter`, 1),
    },
    {
      name: 'atomic list: append and remove',
      async ours(index) {
        await list.append(`new-${index}`, value);
        await list.remove(`new-${index}`);
      },
      async plain() {
        await redis.rpush(plainList, value);
        await redis.rpop(plainList);
      },
    },
    {
      name: 'atomic list: replace',
      ours: () => list.replace('kept-50', value, value),
      plain: () => redis.lset(plainList, 50, value),
    },
  ];
}

/** Takes the lock before its first use. */
function held(lock: TimedLock, operation: (lock: TimedLock) => Promise<unknown>): Operation {
  let taken: Promise<unknown> | undefined;
  return async () => {
    taken ??= lock.acquire('bench', ttlMs);
    await taken;
    return operation(lock);
  };
}
