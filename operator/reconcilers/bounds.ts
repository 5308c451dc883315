/** Every bound of the reconcilers, with its default. Times are ms. */
export const RECONCILE = {
  /** Counts and the last zxid of an instance are looked at so often, give or take a fifth. */
  statusMs: 60_000,
  /** ... and while it is not ready. */
  notReadyMs: 3_000,
  /** Streams and registration are made sure of so often, although nothing changed. */
  declareMs: 10 * 60_000,
  /** A backup that failed is tried again after so long. */
  backupRetryMs: 10 * 60_000,
  /** Temporary credentials are not renewed more often than this. */
  renewLeastMs: 10_000,
} as const;
