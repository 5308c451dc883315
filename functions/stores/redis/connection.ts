import { Redis } from 'ioredis';

export interface RedisOptions {
  /** redis:// or rediss://, with user, password and database. */
  readonly url: string;
  /** Shown in CLIENT LIST. */
  readonly name: string;
  /** How long a call may take, also while there is no connection. Default 5 s. */
  readonly commandTimeoutMs?: number;
}

/** Times are ms. */
const BOUNDS = {
  command: 5_000,
  connect: 2_000,
  /** A connection with a call on its way that nothing comes back on: its server went without a word. */
  silence: 4_000,
  reconnectMin: 20,
  reconnectStep: 50,
  reconnectMax: 500,
  retries: 5,
} as const;

/**
 * Connects at the first call and reconnects for ever; calls fail within a bounded time while there is no server. A call
 * that was on its way when the connection broke fails, too: whether it took effect is for the caller to find out.
 */
export function connectRedis(options: RedisOptions, onError: (error: unknown) => void = () => {}): Redis {
  const redis = new Redis(options.url, {
    connectionName: options.name,
    lazyConnect: true,
    commandTimeout: options.commandTimeoutMs ?? BOUNDS.command,
    connectTimeout: BOUNDS.connect,
    socketTimeout: BOUNDS.silence,
    maxRetriesPerRequest: BOUNDS.retries,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) =>
      BOUNDS.reconnectMin + Math.random() * Math.min(BOUNDS.reconnectMax, attempt * BOUNDS.reconnectStep),
  });
  redis.on('error', onError);
  return redis;
}
