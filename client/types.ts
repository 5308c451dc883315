import type { FaaSKeeperError, Stat } from '@faaskeeper/protocol';
import type { CreateArguments } from './arguments.ts';
import type { ConnectOptions } from './options.ts';
import type { ReadKind } from './reads/node-state.ts';
import type { CallOptions } from './waiting.ts';
import type { WatchCallback } from './watches/events.ts';

export interface CreateOptions extends CreateArguments, CallOptions {}

export interface ReadOptions extends CallOptions {
  /** Sets a one-shot watch: a callback, or true for the client's `watch` events. */
  readonly watch?: boolean | WatchCallback | undefined;
}

export interface WatchOptions {
  /** Also everything below the node; no child events then, as every child tells for itself. */
  readonly recursive?: boolean | undefined;
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined;
}

export interface DataResult {
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

export interface ChildrenResult {
  readonly children: string[];
  readonly stat: Stat;
}

/** One read of a multiRead. */
export interface ReadOp {
  readonly type: ReadKind;
  readonly path: string;
}

/** What one read of a multiRead found; `error` stands for its own read only. */
export type ReadOpResult =
  | ({ readonly type: 'getData'; readonly path: string } & DataResult)
  | ({ readonly type: 'getChildren'; readonly path: string } & ChildrenResult)
  | { readonly type: 'exists'; readonly path: string; readonly stat: Stat | null }
  | { readonly type: 'error'; readonly path: string; readonly error: FaaSKeeperError };

/** What a client over given seams needs instead of addresses. */
export interface SeamOptions
  extends Pick<
    ConnectOptions,
    'sessionTimeout' | 'session' | 'chroot' | 'cache' | 'requestTimeout' | 'connectTimeout' | 'signal'
  > {
  readonly instance: string;
  /** Prefix of the instance's keys in user storage, ending in /. */
  readonly prefix: string;
}
