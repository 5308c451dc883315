/** Backups: a tree at one LOG sequence, complete in itself, with checksums. */
export {
  type BackupKeys,
  type BackupManifest,
  backupKeys,
  backupName,
  backupsPrefix,
  requireBackupName,
  timeOfName,
} from './format.ts';
export { makeBackup } from './make.ts';
export { readBackup, requireBackup } from './read.ts';
export { type FoundBackup, findBackups, outdated, type Retention, removeBackup } from './retention.ts';
export { checkTree, metaOf, type Tree, TreeCounter, type TreeCounts, treeOfBackup, treeOfCheckpoint } from './tree.ts';
