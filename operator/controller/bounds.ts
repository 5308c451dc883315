/** Every bound of the controller, with its default. Times are ms. */
export const CONTROLLER = {
  /** Objects that are reconciled at the same time. */
  workers: 8,
  /** Waits after a failure double from the first to the most, less up to half at random. */
  retryFirstMs: 250,
  retryMostMs: 60_000,
  /** Watches that end are begun again after such waits. */
  watchRetryFirstMs: 250,
  watchRetryMostMs: 30_000,
  /** Collections are listed anew so often, in case that a watch missed something. */
  relistMs: 10 * 60_000,
  /** A kind that the API server does not know is asked for again so often. */
  unknownKindMs: 30_000,
  /** Leader election, as in Kubernetes' own controllers. */
  leaseMs: 15_000,
  renewDeadlineMs: 10_000,
  leaseRetryMs: 2_000,
  /** The same event of an object is written once in so long. */
  eventRepeatMs: 10 * 60_000,
  /** Remembered events. */
  eventsKept: 10_000,
  /** How long SIGTERM waits for what is being reconciled. */
  stopMs: 20_000,
} as const;
