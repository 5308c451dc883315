/** Every bound and default of the shell. */
export const BOUNDS = {
  /** Reads in parallel while a subtree is listed. */
  subtreeReads: 64,
  /** Deletes under way in `deleteall` (ZooKeeper's default batch size). */
  deleteBatch: 1_000,
  /** Writes under way in `setAcl -R`. */
  aclBatch: 256,
  /** Lines kept in the history file. */
  historyLines: 1_000,
  /** Lines that `history` prints, as zkCli. */
  historyShown: 11,
  /** Completions offered for one Tab. */
  completions: 200,
  /** A Tab waits at most so long for the children of a node, ms. */
  completionTimeout: 2_000,
} as const;
