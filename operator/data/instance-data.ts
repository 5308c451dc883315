import type { Logger, Outside, UserStorage } from '@faaskeeper/functions/core';
import { readManifest } from '@faaskeeper/functions/core/checkpoint';
import {
  declareInstance,
  declareStreams,
  forgetInstance,
  type InstanceCounts,
  type OpenStores,
  removeInstance,
  type StoresConfig,
  streamExists,
  suspendInstance,
  systemClock,
  systemRandom,
} from '@faaskeeper/functions/stores';
import {
  type InstanceSpec,
  type InstanceSpecInput,
  instanceSpecSchema,
  storageKeys,
  validate,
} from '@faaskeeper/protocol';
import {
  type BackupManifest,
  backupKeys,
  backupName,
  checkTree,
  type FoundBackup,
  findBackups,
  makeBackup,
  outdated,
  type Retention,
  removeBackup,
  requireBackup,
  requireBackupName,
  type Tree,
  type TreeCounts,
  treeOfBackup,
  treeOfCheckpoint,
} from './backup/index.ts';
import { DATA, DEFAULT_BACKUP_PREFIX } from './bounds.ts';
import { DataError } from './errors.ts';
import { awaitRelease, purgeObjects } from './removal.ts';
import { distributeSeed, seedCheckpoint } from './restore.ts';
import { Semaphore } from './semaphore.ts';
import { checkpointNow } from './settle.ts';

/** Where backups are. */
export interface BackupPlace {
  /** Default: the bucket of the installation. */
  readonly s3?: StoresConfig['s3'] | undefined;
  /** Of the keys, ending in / (or empty). Default `faaskeeper-backups/`, in a bucket that was given: none. */
  readonly prefix?: string | undefined;
}

export interface BackupId {
  readonly instance: string;
  readonly name: string;
  readonly place?: BackupPlace | undefined;
}

interface Cancellable {
  /** Ends the work at its next step; it may be begun again. */
  readonly signal?: AbortSignal | undefined;
}

/** A backup that is complete. `location` is for people: bucket and prefix. */
export type BackupInfo = Omit<BackupManifest, 'format' | 'type' | 'kept' | 'data'> & { readonly location: string };

export interface RestoreSource {
  /** The instance whose tree it is. */
  readonly instance: string;
  /** Default: the data that its removal retained, if there is such; else its newest backup. */
  readonly backup?: string | undefined;
  readonly place?: BackupPlace | undefined;
}

export interface RestoreInfo {
  /** Name of the backup, or `retained`; undefined when the instance had been restored before. */
  readonly from: string | undefined;
  /** The restored tree is as of this zxid, the first of its new life. */
  readonly zxid: number;
}

/** What becomes of instances' data. Everything may be repeated, killed anywhere, and run beside itself. */
export class InstanceData {
  readonly #stores: OpenStores;
  readonly #logger: Logger;
  readonly #backups = new Semaphore(DATA.backupsAtOnce);

  constructor(stores: OpenStores, logger: Logger) {
    this.#stores = stores;
    this.#logger = logger;
  }

  /** Makes or updates the streams and tells trigger, functions and gateways; also ends a suspension. */
  declare(spec: InstanceSpecInput): Promise<InstanceSpec> {
    return declareInstance(this.#stores.nats, spec);
  }

  /** Trigger, functions and gateways let go; all data stays. False: nobody served it. */
  suspend(id: string): Promise<boolean> {
    return suspendInstance(this.#stores.nats, id);
  }

  /** Undefined for an instance that was never used, or whose applied state is gone until its next request. */
  status(id: string): Promise<InstanceCounts | undefined> {
    return this.#stores.counts(id);
  }

  /**
   * Ends an instance and retains its tree: a last checkpoint of all that was committed stays in user storage, with what
   * clients read. Streams (undelivered events of registered watches among them) and applied state go.
   *
   * @throws DataError StillServed; HaltedError when the stores disagree.
   */
  async retain(input: InstanceSpecInput, { signal }: Cancellable = {}): Promise<void> {
    const spec = toSpec(input);
    const { nats } = this.#stores;
    await this.suspend(spec.id);
    const outside = this.#outside(spec);
    await awaitRelease(outside, { instance: spec.id, signal });
    if (await streamExists(nats, spec.id, 'log')) await checkpointNow(outside, spec, { served: false, signal });
    await removeInstance(nats, spec.id);
    await this.#stores.dropSystemStore(spec.id);
    await forgetInstance(nats, spec.id);
  }

  /**
   * Removes an instance and all of its data but its backups.
   *
   * @throws DataError StillServed, StorageNotEmpty
   */
  async purge(input: Pick<InstanceSpec, 'id' | 'storagePrefix'>, { signal }: Cancellable = {}): Promise<void> {
    const { id, storagePrefix: prefix } = toSpec(input);
    const { nats } = this.#stores;
    await this.suspend(id);
    const { system, clock, objects } = this.#outside(toSpec(input));
    await awaitRelease({ system, clock }, { instance: id, signal });
    await removeInstance(nats, id);
    await purgeObjects(objects, { prefix, clock, signal });
    // Last: until here the lock keeps triggers away.
    await this.#stores.dropSystemStore(id);
    await forgetInstance(nats, id);
  }

  /**
   * Makes a backup of everything that is committed by now, exact at one LOG sequence, and reads it back. `time` names
   * it: the same time again gives the same backup.
   *
   * @throws DataError BackupDamaged; HaltedError when the stores disagree.
   */
  async backup(
    input: InstanceSpecInput,
    { place = {}, time, signal }: { place?: BackupPlace | undefined; time?: Date | undefined } & Cancellable = {},
  ): Promise<BackupInfo> {
    const spec = toSpec(input);
    const name = backupName(time ?? new Date(systemClock.now()));
    return await this.#backups.run(async () => {
      const outside = this.#outside(spec);
      const served = (await this.#stores.instanceSpec(spec.id)) !== undefined;
      await checkpointNow(outside, spec, { served, signal });
      return await this.#at(place, async (objects, { prefix, bucket }) => {
        const keys = backupKeys(prefix, spec.id, name);
        const manifest = await makeBackup({
          source: { objects: outside.objects, storagePrefix: spec.storagePrefix },
          destination: { objects, keys },
          instance: spec.id,
          name,
          clock: systemClock,
          random: systemRandom,
          signal,
        });
        await checkTree(treeOfBackup(objects, keys, manifest), `Backup ${name} of ${spec.id}`);
        return infoOf(manifest, `${bucket}/${keys.prefix}`);
      });
    });
  }

  /** Oldest first; incomplete ones are being made, or were given up. */
  findBackups(instance: string, place: BackupPlace = {}): Promise<FoundBackup[]> {
    return this.#at(place, (objects, { prefix }) => findBackups(objects, prefix, instance));
  }

  /** @throws DataError BackupNotFound, BackupDamaged */
  describeBackup({ instance, name, place = {} }: BackupId): Promise<BackupInfo> {
    return this.#at(place, async (objects, { prefix, bucket }) => {
      const keys = backupKeys(prefix, instance, requireBackupName(name));
      return infoOf(await requireBackup(objects, keys), `${bucket}/${keys.prefix}`);
    });
  }

  /**
   * Reads all of a backup: checksums, and that it is a whole tree.
   *
   * @throws DataError BackupNotFound, BackupDamaged
   */
  verifyBackup({ instance, name, place = {} }: BackupId): Promise<TreeCounts> {
    return this.#at(place, async (objects, { prefix }) => {
      const keys = backupKeys(prefix, instance, requireBackupName(name));
      const manifest = await requireBackup(objects, keys);
      return await checkTree(treeOfBackup(objects, keys, manifest), `Backup ${name} of ${instance}`);
    });
  }

  /** Removes the backups that a retention does not keep; resolves with their names. The newest always stays. */
  pruneBackups(instance: string, retention: Retention, place: BackupPlace = {}): Promise<string[]> {
    return this.#at(place, async (objects, { prefix }) => {
      const names = outdated(await findBackups(objects, prefix, instance), retention, systemClock.now());
      for (const name of names) await removeBackup(objects, { prefix, instance, name });
      return names;
    });
  }

  removeBackup({ instance, name, place = {} }: BackupId): Promise<void> {
    requireBackupName(name);
    return this.#at(place, (objects, { prefix }) => removeBackup(objects, { prefix, instance, name }));
  }

  /**
   * Fills a new instance with a tree, before it is declared for the first time: streams and objects are there
   * afterwards, and all of the tree is visible. Sessions and ephemeral nodes are not in it.
   *
   * @throws DataError BackupNotFound, BackupDamaged, LogInTheWay
   */
  async restore(input: InstanceSpecInput, source: RestoreSource, { signal }: Cancellable = {}): Promise<RestoreInfo> {
    const spec = toSpec(input);
    const outside = this.#outside(spec);
    const { nats } = this.#stores;
    let from: string | undefined;
    const hasLog = await streamExists(nats, spec.id, 'log');
    const { etag } = await readManifest(outside.objects, storageKeys(spec.storagePrefix));
    if (hasLog && etag === undefined) {
      throw new DataError('LogInTheWay', `Instance ${spec.id} is in use already: only a new one can be restored into`);
    }
    const place = this.#place(source.place ?? {});
    try {
      const seed = await seedCheckpoint(outside, spec, async () => {
        const found = await this.#source(source, place);
        await checkTree(found.tree, found.title);
        signal?.throwIfAborted();
        from = found.name;
        return found.tree;
      });
      this.#logger.info({ instance: spec.id, from, ...seed }, 'an instance is restored');
      if (!hasLog) await declareStreams(nats, spec, { logFirst: seed.sequence + 1 });
      await distributeSeed(outside, spec, seed);
      return { from, zxid: seed.zxid };
    } finally {
      place.close();
    }
  }

  async #source(
    { instance, backup, place }: RestoreSource,
    { objects, prefix }: { objects: UserStorage; prefix: string },
  ): Promise<{ tree: Tree; name: string; title: string }> {
    const retained = backup === undefined && place?.s3 === undefined ? await this.#retained(instance) : undefined;
    if (retained !== undefined) return { tree: retained, name: 'retained', title: `The retained data of ${instance}` };
    const name =
      backup ?? (await findBackups(objects, prefix, instance)).findLast(({ complete }) => complete)?.name ?? undefined;
    if (name === undefined)
      throw new DataError('BackupNotFound', `Instance ${instance} has no backup and no retained data`);
    const keys = backupKeys(prefix, instance, requireBackupName(name));
    const manifest = await requireBackup(objects, keys);
    return { tree: treeOfBackup(objects, keys, manifest), name, title: `Backup ${name} of ${instance}` };
  }

  /** What `retain` left: a checkpoint without a LOG. */
  async #retained(instance: string): Promise<Tree | undefined> {
    if (await streamExists(this.#stores.nats, instance, 'log')) return undefined;
    const keys = storageKeys(`${instance}/`);
    const { objects } = this.#stores.bucket();
    const { manifest, etag } = await readManifest(objects, keys);
    return etag === undefined ? undefined : treeOfCheckpoint(objects, keys, manifest);
  }

  #outside(spec: InstanceSpec): Outside {
    return { ...this.#stores.instance(spec), clock: systemClock, random: systemRandom, logger: this.#logger };
  }

  #place({ s3, prefix }: BackupPlace) {
    const { objects, bucket, close } = this.#stores.bucket(s3);
    return { objects, bucket, close, prefix: prefix ?? (s3 === undefined ? DEFAULT_BACKUP_PREFIX : '') };
  }

  async #at<Result>(
    place: BackupPlace,
    work: (objects: UserStorage, where: { prefix: string; bucket: string }) => Promise<Result>,
  ): Promise<Result> {
    const { objects, close, ...where } = this.#place(place);
    try {
      return await work(objects, where);
    } finally {
      close();
    }
  }
}

function toSpec(input: InstanceSpecInput): InstanceSpec {
  return validate(instanceSpecSchema, input, 'instance spec');
}

function infoOf(manifest: BackupManifest, location: string): BackupInfo {
  const { format: _format, type: _type, kept: _kept, data: _data, ...info } = manifest;
  return { ...info, location };
}
