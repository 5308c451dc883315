import type { FaaSKeeper } from '../faaskeeper.ts';

/** What the shell needs of a session. */
export type ShellClient = Pick<
  FaaSKeeper,
  | 'sessionId'
  | 'state'
  | 'on'
  | 'create2'
  | 'delete'
  | 'exists'
  | 'getData'
  | 'setData'
  | 'getChildren2'
  | 'getACL'
  | 'setACL'
  | 'sync'
  | 'addAuth'
  | 'whoAmI'
  | 'getEphemerals'
  | 'getAllChildrenNumber'
  | 'addWatch'
  | 'removeWatches'
  | 'watch'
  | 'register'
  | 'unregister'
  | 'listRegistrations'
  | 'close'
>;

export interface ShellConnectOptions {
  /** A service-binding directory; without one the client looks where it always does. */
  readonly binding?: string | undefined;
  /** Of each call, ms. */
  readonly requestTimeout?: number | undefined;
  /** Aborts connecting. */
  readonly signal?: AbortSignal | undefined;
}

export type ShellConnect = (options: ShellConnectOptions) => Promise<ShellClient>;
