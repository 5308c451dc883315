import type { InstanceSpecInput } from '@faaskeeper/protocol';
import { Cron } from 'croner';
import { type FaaSKeeper, type FaaSKeeperStatus, findCondition, instanceIdOf } from '../api/index.ts';
import { DataError } from '../data/index.ts';
import { RECONCILE } from './bounds.ts';
import { fails, holds, type Outcome, UserError } from './outcome.ts';
import { placeOf } from './places.ts';
import type { Outside } from './ports.ts';

const DAY_MS = 86_400_000;

type BackupStatus = NonNullable<FaaSKeeperStatus['backup']>;
type Last = NonNullable<BackupStatus['last']>;
type Ended = { readonly attempted: Date } & ({ readonly last: Last } | { readonly error: unknown });

/** Makes backups when the schedule says so, in the background, and removes those that the retention does not keep. */
export class Backups {
  readonly #ended = new Map<string, Ended>();

  reconcile(outside: Outside, resource: FaaSKeeper, spec: InstanceSpecInput): Outcome {
    const { backup } = resource.spec;
    const id = instanceIdOf(resource);
    if (backup === undefined) return { findings: [] };
    const before = resource.status?.backup ?? {};
    const ended = this.#ended.get(id);
    const last = ended !== undefined && 'last' in ended ? ended.last : before.last;
    const attempted = ended?.attempted.toISOString() ?? before.attempted;
    const kept = { ...(last === undefined ? {} : { last }), ...(attempted === undefined ? {} : { attempted }) };
    if (backup.paused) {
      return { findings: [fails('BackupReady', 'Paused', 'spec.backup.paused is true.')], status: { backup: kept } };
    }
    const failed = this.#failure(ended, resource);
    const due = dueTime(resource, { last, attempted, failed: failed !== undefined });
    const status = { backup: { ...kept, next: due.toISOString() } };
    const wait = due.getTime() - outside.now().getTime();
    const name = `backup ${id}`;
    if (wait <= 0 && !outside.background.isRunning(name)) this.#start(outside, resource, { spec, due, name });
    const finding = failed ?? told(last, due);
    return { findings: [finding], status, ...(wait > 0 ? { again: wait } : {}) };
  }

  forget(id: string): void {
    this.#ended.delete(id);
  }

  #failure(ended: Ended | undefined, resource: FaaSKeeper) {
    if (ended !== undefined && 'error' in ended) {
      const { error } = ended;
      if (isNothing(error)) return holds('BackupReady', 'NothingToBackUp', 'Nothing was written to the instance yet.');
      const reason = error instanceof DataError || error instanceof UserError ? error.reason : 'BackupFailed';
      return fails('BackupReady', reason, `The last backup failed: ${(error as Error).message}`);
    }
    if (ended !== undefined) return undefined;
    // As another process left it.
    const before = findCondition(resource.status?.conditions ?? [], 'BackupReady');
    const hasFailed = before?.status === 'False' && !['Paused', 'ScheduleInvalid'].includes(before.reason);
    return hasFailed ? fails('BackupReady', before.reason, before.message) : undefined;
  }

  #start(
    outside: Outside,
    resource: FaaSKeeper,
    { spec, due, name }: { readonly spec: InstanceSpecInput; readonly due: Date; readonly name: string },
  ): void {
    const { recorder, data, background, now } = outside;
    const id = instanceIdOf(resource);
    const { destination, retention } = resource.spec.backup as NonNullable<FaaSKeeper['spec']['backup']>;
    const key = `${resource.metadata.namespace}/${resource.metadata.name}`;
    background.start(name, key, async (signal) => {
      const attempted = now();
      try {
        const place = await placeOf(outside, resource, destination);
        // The same time names the same backup: one that was broken off is taken up again.
        const made = await data.backup(spec, { place, time: due, signal });
        const last = {
          name: made.name,
          // Not when it was due: of times that were missed, one backup is enough.
          time: attempted.toISOString(),
          location: made.location,
          zxid: made.zxid,
          bytes: made.size,
        };
        this.#ended.set(id, { attempted, last });
        recorder.event(resource, 'Normal', 'BackedUp', `Backup ${made.name} is complete: ${made.location}`);
        const { count, days } = retention;
        const maxAgeMs = days === undefined ? undefined : days * DAY_MS;
        await data.pruneBackups(id, { count, maxAgeMs }, place);
      } catch (error) {
        if (signal.aborted) return;
        this.#ended.set(id, { attempted, error });
        if (isNothing(error)) return;
        recorder.event(resource, 'Warning', 'BackupFailed', `The backup failed: ${(error as Error).message}`);
      }
    });
  }
}

function isNothing(error: unknown): boolean {
  return error instanceof DataError && error.reason === 'NothingCommitted';
}

function told(last: Last | undefined, due: Date) {
  const next = `The next one is due at ${due.toISOString()}.`;
  if (last === undefined) return holds('BackupReady', 'Scheduled', `There is no backup yet. ${next}`);
  return holds('BackupReady', 'BackedUp', `The last backup is ${last.name}. ${next}`);
}

/** The first time of the schedule after the last backup, or after the resource was made; a failed one sooner. */
function dueTime(
  { spec, metadata }: FaaSKeeper,
  { last, attempted, failed }: { last: Last | undefined; attempted: string | undefined; failed: boolean },
): Date {
  const { schedule, timeZone = 'UTC' } = spec.backup as NonNullable<FaaSKeeper['spec']['backup']>;
  let next: Date | null;
  try {
    const cron = new Cron(schedule, { timezone: timeZone, paused: true });
    next = cron.nextRun(new Date(last?.time ?? metadata.creationTimestamp));
  } catch (cause) {
    const message = `The schedule '${schedule}' in ${timeZone} cannot be read: ${(cause as Error).message}`;
    throw new UserError('ScheduleInvalid', message, { cause });
  }
  if (next === null) throw new UserError('ScheduleInvalid', `The schedule '${schedule}' never comes.`);
  if (!failed || attempted === undefined) return next;
  return new Date(Math.max(next.getTime(), Date.parse(attempted) + RECONCILE.backupRetryMs));
}
