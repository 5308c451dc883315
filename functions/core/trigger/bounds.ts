/** Every bound of the trigger, with its default. Sizes are bytes, times are ms. */
export const TRIGGER = {
  /** One batch of a lane. */
  batchMessages: 512,
  batchBytes: 4 * 1024 * 1024,
  /** The time that messages are given to gather is over early when none came in one of so many parts of it. */
  gatherParts: 4,
  /** How long requests may keep entries of LOG from the distributor. */
  holdMs: 4,
  /** Requests that follow the last answer within so long are a stream, after so many batches. */
  pauseMs: 1,
  streakBatches: 4,
  /** Back-off between attempts; each wait is between half and all of it. */
  retryFirstMs: 20,
  retryMaxMs: 2_000,
  /** An invocation without an answer after so long is repeated. */
  invocationTimeoutMs: 30_000,
  /** The watch function tries a sink several times within one invocation. */
  sinkTimeoutMs: 60_000,
  checkpointTimeoutMs: 10 * 60_000,
  checkpointRetryMs: 1_000,
  /** An instance that was not used for so long keeps nothing in the system store. */
  hibernateAfterMs: 3_600_000,
  /** Ownership of an instance's lanes. */
  lockTtlMs: 6_000,
  lockExtendMs: 2_000,
  lockRetryMs: 1_000,
  /** How often sessions are looked at; a tick that is later than stallMs means that the trigger itself stood still. */
  tickMs: 500,
  stallMs: 1_000,
  suspectsPerCall: 1_000,
  /** A suspect that was reported expired, but of whose end nothing was heard, is suspected again after so long. */
  suspectAgainMs: 3_000,
  /** An ended session keeps its results for so long: REQ cannot redeliver its requests any more by then. */
  forgetAfterMs: 10 * 60_000,
  forgetPerCall: 256,
  /** Beats of sessions that are not known: they are looked up together, at most so many, so often. */
  unknownSessions: 1_024,
  lookUpIntervalMs: 1_000,
  /** The applied state is loaded again when an answer of the writer may have been lost, at most so often. */
  reloadIntervalMs: 5_000,
  /** While it cannot be loaded, or is behind LOG, it is tried again; the longest wait between. */
  loadRetryMaxMs: 30_000,
  /** A lane of a dropped registration delivers what was before it for so long. */
  retireMs: 60_000,
  sinkLanes: 1_000,
  /** How long a stopping lane waits for the answer to its batch. */
  stopTimeoutMs: 10_000,
} as const;
