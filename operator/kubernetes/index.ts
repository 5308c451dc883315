/** The vocabulary of the API server. `connect.ts` beside it connects, and loads the Kubernetes library. */
export type { KubernetesClient, ListResult } from './client.ts';
export type { Kubernetes } from './connect.ts';
export { isConflict, isKubernetesError, isNotFound, KubernetesError } from './errors.ts';
export * from './types.ts';
export type { WatchEventType, Watcher, WatchOptions } from './watcher.ts';
