import { LIMITS } from '@faaskeeper/protocol';

/** Every bound and default of the client. Times are ms, sizes bytes. */
export const DEFAULTS = {
  sessionTimeout: LIMITS.sessionTimeoutDefault,
  /** A call without a timeout of its own. */
  requestTimeout: 30_000,
  /** Opening a session: functions may have to start first. */
  connectTimeout: 60_000,
  /** closeSession waits so long for its answer; the session ends by itself otherwise. */
  closeTimeout: 5_000,
  cacheBytes: 32 * 1024 * 1024,
  /** Cached answers in a row before one waits for the event loop: a loop of cached reads must not shut out the world. */
  hitsPerTurn: 1_000,
  /** Paths remembered as "read once": the second read caches. */
  readOncePaths: 8_192,
  /** Writes to cached nodes whose data is kept until they are visible. */
  keptWrites: 4_096,
  /** Calls of one session that wait in the client. */
  waitingCalls: 65_536,
  /** Data of calls that wait in the client. */
  waitingBytes: 64 * 1024 * 1024,
  /** A late reply: requests are sent again after so long, doubling up to the maximum. */
  resendFirst: 1_000,
  resendMax: 8_000,
  /** Repeated signs of one lost message cause one re-send in this time. */
  resendDamping: 100,
  /** A read that failed (outage of user storage) is repeated after so long, doubling up to the maximum. */
  readRetryFirst: 50,
  readRetryMax: 2_000,
  /** A session whose user storage has lost something makes itself heard at most so often. */
  wakeInterval: 2_000,
  /** A stored object that is damaged or missing is read again so often before the system is asked. */
  corruptReads: 4,
  /** Snapshots that did not fit together before a multiRead holds the watermark. */
  snapshotReads: 8,
  /** The watermark waits at most so long for one read that is repeated. */
  holdTime: 2_000,
  /** A watch event waits at most so long for the reply of an earlier write. */
  replyGrace: 1_000,
  /** A beat's answer may overtake the watermark that it names by so much before that counts as lost. */
  watermarkGrace: 150,
  /** Reads in parallel while watches are brought up to date. */
  resyncParallel: 16,
  /** Events that an async iterator keeps for a slow consumer. */
  iteratorEvents: 100_000,
} as const;
