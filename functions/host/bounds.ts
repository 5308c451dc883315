/** Every bound of a function's process, with its default. Sizes are bytes, times are ms. */
export const HOST = {
  /** Largest body of one event; a larger one is answered 413. */
  bodyBytes: 64 * 1024 * 1024,
  /** How long a SIGTERM waits for the events in flight. */
  drainTimeoutMs: 20_000,
  /** How long closing handlers and connections may take after that. */
  closeTimeoutMs: 5_000,
  /** Idle keep-alive connections live longer than the trigger's pool keeps them, so that it never meets a closed one. */
  keepAliveTimeoutMs: 75_000,
  /** A core object that had no event for so long is closed. */
  idleCoreMs: 10 * 60_000,
} as const;
