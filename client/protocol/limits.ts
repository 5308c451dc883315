/** Every bound that more than one part must agree on, with its default. Sizes are bytes, times are ms. */
export const LIMITS = {
  /** Largest data of one znode. */
  dataBytes: 1_048_576,
  /** NATS max_payload: one message of REQ or LOG fits. */
  payloadBytes: 8 * 1024 * 1024,
  /** Largest REQ message that a client sends: one batch of its requests. */
  requestBytes: 4 * 1024 * 1024,
  /** Requests of a session without an answer; more wait in the client and are refused by the writer. */
  outstandingRequests: 1_024,
  /** Requests that one message of a client may carry. */
  requestsPerMessage: 256,
  /** Messages of clients that a gateway sends as one, at most, and their bytes (a single message may have more). */
  bundleMessages: 512,
  bundleBytes: 1024 * 1024,
  /** Sub-operations of one multi. */
  multiOperations: 10_000,
  /** Path length; keeps keys, subjects and errors printable. */
  pathBytes: 16_384,
  /** Hybrid user storage: data of a node up to here is in Redis, larger data in S3 (the paper's threshold). */
  hybridThresholdBytes: 4_096,
  /** Longer change subjects are not published: NATS bounds its control line. The watermark's digests still tell. */
  subjectBytes: 2_048,
  /** Entries of one watermark; beyond it says "too many". */
  watermarkEntries: 8_192,
  sessionTimeoutMin: 4_000,
  sessionTimeoutMax: 40_000,
  sessionTimeoutDefault: 10_000,
} as const;
