import { type KubeConfig, Watch } from '@kubernetes/client-node';
import { KubernetesError } from './errors.ts';
import { collectionPath, type KubernetesObject, type ResourceType } from './types.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';

export interface WatchOptions<T> {
  readonly namespace?: string | undefined;
  readonly labels?: string | undefined;
  /** Changes after this version. */
  readonly resourceVersion: string;
  readonly onEvent: (type: WatchEventType, object: T) => void;
  readonly signal: AbortSignal;
}

/** Watches a collection until the connection ends. */
export interface Watcher {
  /**
   * Resolves when the API server ended the watch, or nothing came for a while: it may go on where it was.
   *
   * @throws KubernetesError with status 410 when it must list again.
   */
  watch<T extends KubernetesObject>(type: ResourceType<T>, options: WatchOptions<T>): Promise<void>;
}

/** The watch of the library: it knows credentials and notices dead connections. */
export function watcherOf(config: KubeConfig): Watcher {
  const library = new Watch(config);
  return {
    async watch(type, { namespace, labels, resourceVersion, onEvent, signal }) {
      const ended = Promise.withResolvers<void>();
      let expired: KubernetesError | undefined;
      const controller = await library.watch(
        collectionPath(type, namespace),
        { resourceVersion, allowWatchBookmarks: true, ...(labels === undefined ? {} : { labelSelector: labels }) },
        (phase, object) => {
          if (phase === 'ERROR') {
            expired = new KubernetesError(
              object.code ?? 500,
              object.reason ?? '',
              object.message ?? 'the watch failed',
            );
          } else if (!signal.aborted) onEvent(phase as WatchEventType, object);
        },
        (error) => {
          if (expired !== undefined) ended.reject(expired);
          else if (error && !signal.aborted && error.name !== 'TimeoutError') ended.reject(watchError(error));
          else ended.resolve();
        },
      );
      const stop = () => controller.abort();
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      try {
        await ended.promise;
      } finally {
        signal.removeEventListener('abort', stop);
        controller.abort();
      }
    },
  };
}

function watchError(cause: { readonly statusCode?: number; readonly message?: string }): KubernetesError {
  return new KubernetesError(cause.statusCode ?? 0, '', `The watch ended: ${cause.message}`, { cause });
}
