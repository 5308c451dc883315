import type { PartKeys } from '@faaskeeper/functions/core/checkpoint';
import * as v from 'valibot';
import { DataError } from '../errors.ts';

const FORMAT = 1;
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

/** An object with values sorted by their address, as parts of checkpoints are. */
const partSchema = v.object({
  id: v.string(),
  first: v.string(),
  count: whole,
  bytes: whole,
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
export type BackupPart = v.InferOutput<typeof partSchema>;

/** `backup.json`, written last: without it there is no backup. */
export const backupManifestSchema = v.object({
  format: v.literal(FORMAT),
  type: v.literal('faaskeeper-backup'),
  instance: v.string(),
  name: v.string(),
  /** ISO 8601. */
  begun: v.string(),
  completed: v.string(),
  /** LOG sequence and zxid that the tree is exact at. */
  sequence: whole,
  zxid: whole,
  nodes: whole,
  /** Of the nodes; a restored tree has none. */
  ephemerals: whole,
  registrations: whole,
  /** Bytes of all nodes' data. */
  dataBytes: whole,
  /** Bytes of the parts. */
  size: whole,
  /** Nodes without their data, containers and TTL nodes, registrations; and the data. */
  kept: v.array(partSchema),
  data: v.array(partSchema),
});
export type BackupManifest = v.InferOutput<typeof backupManifestSchema>;

export function newManifest(content: Omit<BackupManifest, 'format' | 'type'>): BackupManifest {
  return { format: FORMAT, type: 'faaskeeper-backup', ...content };
}

export interface BackupKeys extends PartKeys {
  /** Everything of the backup is below it. */
  readonly prefix: string;
  readonly manifest: string;
}

/** Keys of a backup: `<prefix><instance>/<name>/`. */
export function backupKeys(prefix: string, instance: string, name: string): BackupKeys {
  const own = `${backupsPrefix(prefix, instance)}${name}/`;
  return { prefix: own, manifest: `${own}backup.json`, checkpointPart: (id) => `${own}parts/${id}` };
}

export function backupsPrefix(prefix: string, instance: string): string {
  return `${prefix}${instance}/`;
}

const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})Z$/;

/** A backup is named by its time, in UTC: `20261124T031500.000Z`. Names sort as their times do. */
export function backupName(time: Date): string {
  return time.toISOString().replaceAll(/[-:]/g, '');
}

/** The time that a name tells, ms; undefined for what is no name of a backup. */
export function timeOfName(name: string): number | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, ms] = match;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  return Number.isNaN(time) ? undefined : time;
}

/** @throws DataError BackupName: a name becomes part of keys. */
export function requireBackupName(name: string): string {
  if (timeOfName(name) !== undefined) return name;
  throw new DataError(
    'BackupName',
    `${JSON.stringify(name)} names no backup: a name is like ${backupName(new Date(0))}`,
  );
}
