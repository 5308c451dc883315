import type { InstanceSpecInput } from '@faaskeeper/protocol';
import { type FaaSKeeper, instanceIdOf } from '../api/index.ts';
import { DataError } from '../data/index.ts';
import { TYPES } from '../kubernetes/index.ts';
import { namespaceOfRecord, retainedName } from '../resources/index.ts';
import { fails, holds, type Outcome, UserError } from './outcome.ts';
import { placeOf } from './places.ts';
import type { Outside } from './ports.ts';

export interface RestoreOutcome extends Outcome {
  /** The instance may be declared. */
  readonly done: boolean;
}

type Ended = { readonly from: string } | { readonly error: unknown };

/** Fills instances with the tree of a backup, once, before anybody can write to them. */
export class Restores {
  readonly #ended = new Map<string, Ended>();

  reconcile(outside: Outside, resource: FaaSKeeper, spec: InstanceSpecInput): RestoreOutcome {
    const { restoreFrom } = resource.spec;
    if (restoreFrom === undefined || resource.status?.restored !== undefined) {
      const restored = resource.status?.restored;
      const findings = restored === undefined ? [] : [holds('Restored', 'Restored', `The tree began as ${restored}.`)];
      return { findings, done: true };
    }
    const id = instanceIdOf(resource);
    const ended = this.#ended.get(id);
    if (ended !== undefined && 'from' in ended) {
      outside.recorder.event(resource, 'Normal', 'Restored', `The instance was restored from ${ended.from}.`);
      const findings = [holds('Restored', 'Restored', `The tree began as ${ended.from}.`)];
      return { findings, done: true, status: { restored: ended.from } };
    }
    if (ended !== undefined) {
      this.#ended.delete(id);
      if (ended.error instanceof DataError || ended.error instanceof UserError) {
        throw new UserError(ended.error.reason, ended.error.message, { cause: ended.error });
      }
      throw ended.error;
    }
    const key = `${resource.metadata.namespace}/${resource.metadata.name}`;
    outside.background.start(`restore ${id}`, key, async (signal) => {
      try {
        this.#ended.set(id, { from: await restore(outside, resource, { spec, signal }) });
      } catch (error) {
        if (!signal.aborted) this.#ended.set(id, { error });
      }
    });
    const from = `${restoreFrom.backup ?? 'the newest backup or the retained data'} of ${restoreFrom.instanceId}`;
    return { findings: [fails('Restored', 'Restoring', `${from} is being restored.`)], done: false };
  }

  forget(id: string): void {
    this.#ended.delete(id);
  }
}

async function restore(
  outside: Outside,
  resource: FaaSKeeper,
  { spec, signal }: { readonly spec: InstanceSpecInput; readonly signal: AbortSignal },
): Promise<string> {
  const { cluster, data, release } = outside;
  const {
    instanceId: instance,
    destination,
    backup,
  } = resource.spec.restoreFrom as NonNullable<FaaSKeeper['spec']['restoreFrom']>;
  const place = await placeOf(outside, resource, destination);
  let name = backup;
  if (name === undefined) {
    // Data that was retained in user storage is open to its own namespace only.
    const record = await cluster.get(TYPES.secret, release.namespace, retainedName(instance));
    const retained = destination === undefined && namespaceOfRecord(record) === resource.metadata.namespace;
    if (!retained) {
      name = (await data.findBackups(instance, place)).findLast(({ complete }) => complete)?.name;
      if (name === undefined) {
        throw new UserError(
          'BackupNotFound',
          `Instance ${instance} has no backup and no retained data for this namespace.`,
        );
      }
    }
  }
  const source = { instance, place, ...(name === undefined ? {} : { backup: name }) };
  const { from } = await data.restore(spec, source, { signal });
  return `${from ?? name ?? 'the retained data'} of ${instance}`;
}
