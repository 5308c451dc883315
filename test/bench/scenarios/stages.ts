import { setTimeout as pause } from 'node:timers/promises';
import { openStores } from '@faaskeeper/functions/stores';
import { subjects } from '@faaskeeper/protocol';
import { BENCH } from '../bounds.ts';
import { percentiles, within } from '../measure.ts';
import type { FaaSKeeperSystem } from '../systems/faaskeeper.ts';
import { type BenchContext, ownRoot, payload } from './context.ts';
import { floorBytes } from './floors.ts';

/** What a write passes, in order; each is the time since the one before. */
export const stageNames = {
  request: 'caller to request stream',
  append: 'request stream to append (trigger, HTTP, judging)',
  reply: 'append to reply (fsync)',
  answer: 'reply to caller',
  all: 'all of the acknowledged path',
  visible: 'reply to watermark (distributor, S3)',
} as const;

/** When the messages of the write on its way were seen, ms. */
interface Seen {
  request?: number;
  append?: number;
  reply?: number;
  watermark?: number;
}

/**
 * Takes a write's path apart by listening to its messages, each stage as it looks from outside. Once with the instance
 * at rest before each write, once with a write right after another, while user storage is written for the one before.
 */
export async function measureStages(context: BenchContext, system: FaaSKeeperSystem): Promise<void> {
  const { options, recorder, say } = context;
  if (!options.parts.has('stages')) return;
  say('stages of a write');
  const stores = await openStores(system.servers.stores, { name: 'faaskeeper-bench-tap' });
  const client = await system.connect({ cache: false });
  let seen: Seen = {};
  try {
    const named = subjects(system.servers.instance);
    const tap = (subject: string, stage: keyof Seen) =>
      stores.nats.subscribe(subject, {
        callback: () => {
          seen[stage] ??= performance.now();
        },
      });
    tap(named.requests, 'request');
    tap(named.log, 'append');
    tap(named.session('*'), 'reply');
    tap(named.watermark, 'watermark');
    await stores.nats.flush();
    const data = payload(floorBytes);
    const path = ownRoot();
    await client.create(path, data);
    await client.settled(path);
    for (const mode of ['at rest', 'back to back'] as const) {
      for (let round = 0; round < options.rounds; round++) {
        const samples: Record<keyof typeof stageNames, number[]> = blank();
        for (let i = 0; i < BENCH.stageWrites; i++) {
          seen = {};
          const begun = performance.now();
          await within('a write', client.setData(path, data));
          const ended = performance.now();
          const { request, append, reply } = seen;
          if (mode === 'at rest') {
            await within('a watermark', client.settled(path));
            await pause(BENCH.restMs);
          }
          // The tap is another connection: a message of this write may come to it late, or not yet.
          if (request === undefined || append === undefined || reply === undefined) continue;
          samples.request.push(request - begun);
          samples.append.push(append - request);
          samples.reply.push(reply - append);
          samples.answer.push(ended - reply);
          samples.all.push(ended - begun);
          if (mode === 'at rest' && seen.watermark !== undefined) samples.visible.push(seen.watermark - reply);
        }
        for (const [stage, times] of Object.entries(samples)) {
          if (times.length === 0) continue;
          const operation = `${stageNames[stage as keyof typeof stageNames]}|${mode}`;
          const round = { operations: times.length, ...percentiles(times), perSecond: 0 };
          recorder.add(
            { section: 'stages', operation, system: 'faaskeeper', sizeBytes: floorBytes, outstanding: 1 },
            round,
          );
        }
      }
    }
  } finally {
    await Promise.all([stores.close(), client.close()]);
  }
}

function blank(): Record<keyof typeof stageNames, number[]> {
  return { request: [], append: [], reply: [], answer: [], all: [], visible: [] };
}
