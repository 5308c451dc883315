/** Every bound and default of the gateway. Times are ms, sizes bytes. */
export const BOUNDS = {
  /** ZooKeeper's clientPort. */
  port: 2181,
  /** ZooKeeper's jute.maxbuffer. */
  maxBuffer: 1_048_575,
  /** ZooKeeper's maxClientCnxns: connections of one address. */
  maxClientConnections: 60,
  /** ZooKeeper's maxCnxns: connections of an instance; 0: no limit. */
  maxConnections: 0,
  /** ZooKeeper's globalOutstandingLimit: requests of an instance without an answer; beyond it, each client waits for its own. */
  maxOutstandingRequests: 1_000,
  /** ZooKeeper's 4lw.commands.whitelist. */
  fourLetterWords: 'srvr',
  /** The near-cache that all sessions of an instance share. */
  cacheBytes: 64 * 1024 * 1024,
  /** Requests of one connection without an answer; beyond it, no more are read. */
  outstandingRequests: 1_000,
  /** ... and their bytes. */
  outstandingBytes: 16 * 1024 * 1024,
  /** A client that does not take its replies is not read from beyond this ... */
  unsentBytes: 1024 * 1024,
  /** ... and is let go beyond this (watch events come unasked). */
  unsentBytesMax: 64 * 1024 * 1024,
  /** From the connection to its connect request. */
  greetingTime: 10_000,
  /** Opening a session: functions may have to start first. */
  openTime: 30_000,
  /** A ping that has waited so long behind other requests is answered before them. */
  pingTime: 1_000,
  /** ZooKeeper has no default that is older. */
  tlsVersion: 'TLSv1.2',
  /** TLS handshakes of one port at a time (outstandingHandshake.limit). */
  handshakes: 1_000,
  /** The files of the certificates are looked at so often. */
  certificateCheck: 2_000,
  /** A port that could not be opened is tried again after this. */
  portRetry: 2_000,
  /** NATS, when it cannot be reached at the start. */
  natsRetry: 1_000,
  /** Reads that fail are told of so often. */
  failureLog: 10_000,
  /** Connections are looked at so often. */
  tick: 1_000,
  /** What was sent last leaves the socket within this, or not at all. */
  lingerTime: 5_000,
  /** Stopping: what is answered already is sent within this. */
  stopTime: 2_000,
  /** ... and looked for so often. */
  stopCheck: 5,
} as const;
