/** Connects to the API server. Imports the Kubernetes library, which takes a while: for programs only. */
import { KubeConfig } from '@kubernetes/client-node';
import { KubernetesClient } from './client.ts';
import { type Watcher, watcherOf } from './watcher.ts';

export interface Kubernetes {
  readonly client: KubernetesClient;
  readonly watcher: Watcher;
}

/** Connects with $KUBECONFIG, ~/.kube/config, or the service account of the pod. Sends nothing yet. */
export function kubernetes(fieldManager: string): Kubernetes {
  const config = new KubeConfig();
  config.loadFromDefault();
  return { client: new KubernetesClient(config, fieldManager), watcher: watcherOf(config) };
}
