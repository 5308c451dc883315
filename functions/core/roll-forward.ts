import { HaltedError, type InstanceSpec, SystemError, storageKeys } from '@faaskeeper/protocol';
import { BOUNDS } from './bounds.ts';
import { lookAtManifest } from './checkpoint/manifest.ts';
import { rebuildSystemStore } from './checkpoint/rebuild.ts';
import { reportRepair } from './faults.ts';
import { expectInLog, readLog } from './log-reader.ts';
import { LogTrimmedError, type Outside, type StoreState } from './ports.ts';
import { isKeptInSystemStore, mutationsOf } from './tables.ts';

/**
 * Brings the system store up to the end of LOG as it can be read (invariant 3): applies what is missing, and rebuilds a
 * store that is empty or behind what LOG still has. Any number of processes may do so at once.
 *
 * @throws HaltedError when LOG ends before what was applied for longer than an election, or lost its beginning.
 */
export async function rollForward(outside: Outside, spec: Pick<InstanceSpec, 'storagePrefix'>): Promise<StoreState> {
  const keys = storageKeys(spec.storagePrefix);
  for (let attempt = 1; attempt <= BOUNDS.raceAttempts; ) {
    const { state, asleep } = await outside.system.read([]);
    if (state === undefined) {
      await rebuildSystemStore(outside, keys, undefined);
      if (asleep !== undefined)
        outside.logger.info({ applied: asleep }, 'the instance ends its hibernation: its applied state is rebuilt');
      else if ((await outside.log.bounds()).last > 0)
        reportRepair(outside, 'system-store', {}, 'there was no applied state: it is rebuilt from checkpoint and LOG');
      attempt++;
      continue;
    }
    try {
      const end = await applyRest(outside, keys, state);
      if (end.outcome === 'done') return end.state;
      if (end.state.applied === state.applied) attempt++;
    } catch (error) {
      if (!(error instanceof LogTrimmedError)) throw error;
      const { manifest } = await lookAtManifest(outside.objects, keys);
      if (manifest.sequence <= state.applied) {
        throw new HaltedError(`LOG after ${state.applied} is gone and no checkpoint covers it`, { cause: error });
      }
      outside.logger.warn({ applied: state.applied, checkpoint: manifest.sequence }, 'rebuilding the system store');
      await rebuildSystemStore(outside, keys, state.generation);
      attempt++;
    }
  }
  throw new SystemError('The system store keeps changing under a roll-forward');
}

async function applyRest(
  outside: Outside,
  keys: ReturnType<typeof storageKeys>,
  from: StoreState,
): Promise<{ outcome: 'done' | 'look again'; state: StoreState }> {
  let state = from;
  for await (const page of readLog(outside, keys, { from: state.applied + 1 })) {
    for (const { sequence, entry } of page) {
      if (entry.zxidBefore !== state.zxid) {
        throw new HaltedError(`LOG ${sequence} follows zxid ${entry.zxidBefore}, but zxid ${state.zxid} was applied`);
      }
      const outcome = await outside.system.apply({
        generation: state.generation,
        sequence,
        zxid: entry.zxid,
        mutations: mutationsOf(entry, isKeptInSystemStore),
      });
      if (outcome === 'gap' || outcome === 'other generation') return { outcome: 'look again', state };
      state = { ...state, applied: sequence, zxid: entry.zxid };
    }
  }
  if (state.applied === from.applied) await expectInLog(outside, state.applied, 'the system store');
  return { outcome: 'done', state };
}
