/** What becomes of instances' data: declared, suspended, removed; backups, and instances restored from them. */
export type { FoundBackup, Retention, TreeCounts } from './backup/index.ts';
export { backupName, timeOfName } from './backup/index.ts';
export { DEFAULT_BACKUP_PREFIX } from './bounds.ts';
export { DataError, type DataProblem } from './errors.ts';
export {
  type BackupId,
  type BackupInfo,
  type BackupPlace,
  InstanceData,
  type RestoreInfo,
  type RestoreSource,
} from './instance-data.ts';
