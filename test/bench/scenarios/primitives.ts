import { randomBytes } from 'node:crypto';
import { AtomicCounter, AtomicList, connectRedis, TimedLock } from '@faaskeeper/functions/stores';
import { BENCH } from '../bounds.ts';
import { measureRound, within } from '../measure.ts';
import { ratioText, table } from '../report/format.ts';
import { cell, type Metric, type Row, rowsOf, values } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { anyOwn, type BenchContext, takeTurns } from './context.ts';
import type { Experiment } from './experiment.ts';

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
async function measure(context: BenchContext): Promise<void> {
  const { options, recorder } = context;
  const system = anyOwn(context);
  if (system === undefined) return;
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

function report(results: Results): string {
  const rows = rowsOf(results, 'primitives');
  if (rows.length === 0) return '';
  const compare = (row: Row, metric: Metric) => {
    const [ours, plain] = (['faaskeeper', 'redis'] as const).map((side) => values(row.by.get(side), metric));
    return [cell(ours), cell(plain), ratioText(ours, plain)];
  };
  const head = ['primitive', 'outstanding', 'p50 ms', 'plain Redis p50 ms', 'ratio', 'p99 ms', 'plain Redis p99 ms'];
  const shown = rows.map((row) => [
    row.operation,
    String(row.outstanding),
    ...compare(row, 'p50'),
    ...compare(row, 'p99').slice(0, 2),
    ...compare(row, 'perSecond'),
  ]);
  return `### Synchronization primitives

Against the nearest plain commands (SET NX and DEL, PEXPIRE, INCRBY, RPUSH and RPOP, LSET) on the same Redis, which
promise less.

${table([...head, 'per second', 'plain Redis per second', 'ratio'], shown)}`;
}

export const primitives: Experiment = { parts: ['primitives'], measure, report };
