import type { Connection } from '../connection/connection.ts';

/** What a word may do besides telling. */
export interface Effects {
  resetCounters(): void;
  resetConnections(): void;
}

/** What the four-letter words and the admin endpoint tell of one instance. */
export interface Facts {
  readonly version: string;
  readonly instance: string;
  readonly port: number;
  readonly zxid: number;
  readonly connections: readonly Connection[];
  readonly latency: { readonly min: number; readonly avg: number; readonly max: number };
  readonly received: number;
  readonly sent: number;
  readonly outstanding: number;
  /** Reads of user storage that failed and were repeated. */
  readonly failedReads: number;
  readonly cachedNodes: number;
  readonly cachedBytes: number;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly uptimeMs: number;
  readonly effects: Effects;
}

/** Session ids as ZooKeeper prints them. */
export function hex(id: number): string {
  return `0x${id.toString(16)}`;
}
