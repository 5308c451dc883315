/** Every bound of the chaos runs. Times are ms, sizes bytes. */
export const CHAOS = {
  /** Sessions ask for one of these; the shorter ones expire in longer faults. */
  sessionTimeouts: [6_000, 20_000],
  /** A call without an answer in so long has an unknown outcome. */
  callMs: 8_000,
  /** An attempt to open a session. */
  openMs: 15_000,
  /** Between two attempts to open a session, and between two calls of one client (mean). */
  againMs: 250,
  pauseMs: 40,
  /** Calls after which the clients go on to fresh keys: what the checker looks at stays small. */
  callsOfKeys: 500,
  keys: 4,
  /** How long a fault stays, and how long all is well between two of them. */
  faultLeastMs: 1_500,
  faultMostMs: 20_000,
  calmLeastMs: 2_000,
  calmMostMs: 5_000,
  /** Longest wait for a first acknowledged write, and for the ephemerals of dead sessions to go, at the end. */
  recoveryMs: 60_000,
  /** The same after somebody has asked us to stop. */
  stopMs: 5_000,
  settleMs: 45_000,
  /** Longest that injecting or ending one fault may take. */
  nemesisMs: 60_000,
  /** Reads at a time at the end. */
  readers: 16,
  /** What a partition holds back for each direction of a connection, before the sender is held up. */
  heldBytes: 1024 * 1024,
  /** Delay of a slow network. */
  delayMs: 150,
  /** Size of a store's own file system (a sparse file), and what is really written to fill it. */
  volumeBytes: 4 * 1024 * 1024 * 1024,
  writtenBytes: 8 * 1024 * 1024,
  /** By so much the clock of a process jumps, ms. */
  clockSkewsMs: [-600_000, -30_000, 30_000, 600_000],
  /** Of one node, until the checker gives up on it. */
  checkMs: 20_000,
  /** A checkpoint after so many LOG messages: faults should meet them. */
  checkpointMessages: 300,
} as const;
