/** Bounds and waiting times of the log's readers, the distributor and checkpoints. Times are ms, sizes bytes. */
export const BOUNDS = {
  /** Messages of one read of LOG: grows from `First` to `Most` while a page stays below `logPageBytes`. */
  logPageFirst: 16,
  logPageMost: 512,
  logPageBytes: 8 * 1024 * 1024,
  /** Nodes, and values of each other table of the applied state, that a writer remembers between batches. */
  knownNodes: 100_000,
  knownValues: 20_000,
  /** Nodes of which a writer tells watchers itself; of larger batches the distributor tells alone. */
  committedNodes: 8,
  /** Objects of user storage that one batch writes at a time. */
  parallelObjects: 64,
  /** ... where they are records in Redis, which takes many at once. */
  parallelRecords: 512,
  /**
   * A batch that wrote each object once for at least so many changes makes it worth waiting for the next one: at most
   * `gatherMs`, and so much longer than this one took as it had more changes than objects.
   */
  gatherChanges: 2,
  gatherMs: 200,
  /** Tries of one object before the batch fails (and is sent again by the trigger). */
  objectAttempts: 8,
  retryFirstMs: 20,
  retryMostMs: 2_000,
  /** Decoded objects and chunks that a distributor remembers. */
  cacheBytes: 64 * 1024 * 1024,
  /** Watermarks are stored at most so often, ms. */
  watermarkStoreMs: 100,
  /** LOG messages between the published and the stored watermark; beyond it the lane waits. */
  watermarkDistance: 1_024,
  /**
   * Transactions in LOG that are not visible yet; beyond it the writer holds each batch for `lagHoldMs` and looks every
   * `lagLookMs` whether the distributor has caught up.
   */
  visibleLag: 100_000,
  lagHoldMs: 5_000,
  lagLookMs: 100,
  /** A distributor that did not see its watermark stand for so long looks again before it creates objects. */
  leadMs: 30_000,
  /** Names in a node's object; more go to chunks, and back below `inlineAgain`. */
  inlineNames: 512,
  inlineAgain: 256,
  /** Names in one chunk, how full a split leaves it, and when it joins its neighbour. */
  chunkNames: 512,
  chunkFill: 384,
  chunkLow: 64,
  /** Superseded chunks remembered for deletion; beyond it the sweep finds them by listing. */
  supersededChunks: 100_000,
  /** LOG payload folded at once by a checkpoint. */
  foldBytes: 64 * 1024 * 1024,
  /** One immutable part of a checkpoint. */
  partBytes: 4 * 1024 * 1024,
  partValues: 65_536,
  /** Runs of a checkpoint; a run is merged into an older one that is at most `runRatio` times as large. */
  runs: 8,
  runRatio: 3,
  /** Mutations handed to the system store at once by a rebuild. */
  rebuildMutations: 2_000,
  /** Tries of a whole checkpoint, rebuild or roll-forward that lost a race. */
  raceAttempts: 10,
  /** How long the parts of a checkpoint stay for somebody who reads them, unless it says again that it does. */
  holdMs: 10 * 60_000,
  /** Paths in one list of tombstones, and how long one stays at least: longer than any stalled process lives. */
  tombstonePaths: 50_000,
  tombstoneMs: 10 * 60_000,
  /** Keys deleted at once. */
  deleteKeys: 1_000,
} as const;
