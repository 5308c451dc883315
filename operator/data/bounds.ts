/** Every bound of work on instances' data. Times are ms. */
export const DATA = {
  /** How long a backup waits for the instance's own distributor before it distributes what is committed itself. */
  visibleMs: 10_000,
  visiblePollMs: 100,
  /** How long a removal waits for the trigger to let go: one that died holds its lock for 6 s, a slow batch takes 10. */
  releaseMs: 30_000,
  releasePollMs: 200,
  /** How long the trigger's lock is held meanwhile, at least. */
  lockMs: 60_000,
  /** Functions store a last watermark a moment after they were told to let go. */
  quietMs: 300,
  /** Passes over an instance's objects until one finds none. */
  purgePasses: 10,
  /** Backups under way in one process. */
  backupsAtOnce: 2,
  /** A backup without its manifest is given up after so long. */
  incompleteMs: 24 * 3_600_000,
} as const;

/** Where backups go in the bucket of the installation. No instance's prefix is the same: ids have no hyphen. */
export const DEFAULT_BACKUP_PREFIX = 'faaskeeper-backups/';
