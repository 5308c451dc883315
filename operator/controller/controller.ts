import { type FaaSKeeper, findCondition, instanceIdOf } from '../api/index.ts';
import type { Kubernetes, ResourceType } from '../kubernetes/index.ts';
import { FAASKEEPERS, InstanceReconciler, type Outside, removeChildren } from '../reconcilers/index.ts';
import { BackgroundWork } from './background.ts';
import { ClusterView } from './cluster-view.ts';
import type { OperatorMetrics } from './metrics.ts';
import { WorkQueue } from './queue.ts';
import { ServerProbes } from './server-probes.ts';

export interface ControllerOptions {
  readonly kubernetes: Kubernetes;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error' | 'debug'>;
  readonly metrics: OperatorMetrics;
  readonly probe: ConstructorParameters<typeof ServerProbes>[0];
  readonly outside: Pick<Outside, 'data' | 'issuer' | 'recorder' | 'release'>;
}

interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Wakes the reconciler: by changes of resources, of what was made for them, of what they share, and by time. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #view: ClusterView;
  readonly #queue: WorkQueue;
  readonly #probes: ServerProbes;
  readonly #stopping = new AbortController();
  readonly #background: BackgroundWork;
  readonly #reconciler: InstanceReconciler;
  #running: Promise<unknown> | undefined;
  #started = false;

  constructor(options: ControllerOptions) {
    const { kubernetes, logger, metrics, probe, outside } = options;
    this.#options = options;
    const all = () => this.all();
    this.#queue = new WorkQueue({
      process: (key) => this.#reconcile(key),
      onError: (key, err, retryMs) => {
        metrics.reconciliations.inc({ result: 'failed' });
        logger.warn({ resource: key, err, retryMs: Math.round(retryMs) }, 'a reconciliation failed');
      },
    });
    this.#view = new ClusterView({
      kubernetes,
      release: outside.release,
      onResource: (namespace, name) => this.#add(namespace, name),
      onShared: all,
      onError: (err, type: ResourceType) => {
        metrics.watchErrors.inc({ kind: type.kind });
        logger.warn({ err, kind: type.kind }, 'a watch failed');
      },
    });
    this.#probes = new ServerProbes(probe, all);
    const { signal } = this.#stopping;
    this.#background = new BackgroundWork(signal, (key) => this.#queue.add(key));
    this.#reconciler = new InstanceReconciler({
      ...outside,
      cluster: kubernetes.client,
      view: this.#view,
      probes: this.#probes,
      background: this.#background,
      now: () => new Date(),
      signal,
    });
  }

  /** Resolves when everything has been listed, and work begins. */
  async start(): Promise<void> {
    const { signal } = this.#stopping;
    this.#running = this.#view.run(signal);
    // A look at servers that hang takes long, and changes nothing: nobody waits for it.
    void this.#probes.run(signal);
    await Promise.race([Promise.all([this.#view.synced(), this.#probes.looked]), this.#running]);
    if (signal.aborted) return;
    this.#started = true;
    this.all();
    // Of resources whose finalizer was taken away by hand.
    for (const { namespace, name } of this.#view.owners()) this.#add(namespace, name);
  }

  /** Something has changed that all resources share. */
  all(): void {
    for (const { metadata } of this.#view.resources()) this.#add(metadata.namespace, metadata.name);
  }

  /** Begins nothing more, breaks off what takes long, and resolves when all has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#queue.stop();
    await this.#background.settled();
    await this.#running;
  }

  /** For the metrics. */
  measure(): void {
    const { metrics } = this.#options;
    metrics.depth.set(this.#queue.depth);
    const resources = this.#view.resources();
    const ready = resources.filter(isReady).length;
    metrics.instances.set({ ready: 'true' }, ready);
    metrics.instances.set({ ready: 'false' }, resources.length - ready);
  }

  #add(namespace: string, name: string): void {
    // Before everything is listed, much seems to be missing.
    if (this.#started) this.#queue.add(`${namespace}/${name}`);
  }

  async #reconcile(key: string): Promise<number | undefined> {
    const [namespace = '', name = ''] = key.split('/');
    const { metrics } = this.#options;
    const end = metrics.seconds.startTimer();
    const resource = this.#view.resource(namespace, name);
    await this.#removeOrphans(namespace, name, resource);
    const again = resource === undefined ? undefined : await this.#reconciler.reconcile(resource);
    end();
    metrics.reconciliations.inc({ result: 'done' });
    return again;
  }

  /** What was made for a resource that is gone, or for one that had the same name. */
  async #removeOrphans(namespace: string, name: string, resource: FaaSKeeper | undefined): Promise<void> {
    const { client } = this.#options.kubernetes;
    for (const id of this.#view.instancesOf({ namespace, name })) {
      if (resource !== undefined && instanceIdOf(resource) === id) continue;
      // What we have seen may be old: nothing is removed before the API server has been asked.
      const live = await client.get(FAASKEEPERS, namespace, name);
      if (live !== undefined && instanceIdOf(live) === id) continue;
      await this.#options.outside.data.suspend(id);
      await this.#options.outside.issuer.revoke(id);
      const removed = await removeChildren({ cluster: client, view: this.#view }, id);
      this.#reconciler.forget(id);
      this.#options.logger.info(
        { resource: `${namespace}/${name}`, instance: id, objects: removed.length },
        'orphans removed',
      );
    }
  }
}

function isReady({ status }: FaaSKeeper): boolean {
  return findCondition(status?.conditions ?? [], 'Ready')?.status === 'True';
}
