import {
  isKubernetesError,
  isNotFound,
  type Kubernetes,
  type KubernetesObject,
  type ResourceType,
} from '../kubernetes/index.ts';
import { backoffMs, pause } from './backoff.ts';
import { CONTROLLER } from './bounds.ts';

export interface InformerOptions<T extends KubernetesObject> {
  readonly kubernetes: Pick<Kubernetes, 'watcher'> & { readonly client: Pick<Kubernetes['client'], 'list'> };
  readonly type: ResourceType<T>;
  /** Default: all. */
  readonly namespace?: string | undefined;
  readonly labels?: string | undefined;
  /** Objects with the same value among theirs are found together. */
  readonly groupBy?: (object: T) => readonly string[];
  /** What of an object is kept in memory. */
  readonly shrink?: (object: T) => T;
  /** Called for each object that is there, has changed, or is gone. */
  readonly onChange: (object: T, gone: boolean) => void;
  readonly onError: (error: unknown, type: ResourceType) => void;
  /** The kind may be unknown to the API server: then there are no objects. */
  readonly optional?: boolean;
}

/** The objects of a collection as they are now: listed, then watched, listed again from time to time and after trouble. */
export class Informer<T extends KubernetesObject> {
  readonly #options: InformerOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #groups = new Map<string, Map<string, T>>();
  readonly #synced = Promise.withResolvers<void>();
  #version: string | undefined;
  #listedAt = 0;
  #known = true;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
  }

  /** Resolves with the first complete list. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  /** False while the API server does not know the kind. */
  get known(): boolean {
    return this.#known;
  }

  get(namespace: string, name: string): T | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  all(): T[] {
    return [...this.#objects.values()];
  }

  group(value: string): T[] {
    return [...(this.#groups.get(value)?.values() ?? [])];
  }

  /** What a request of ours returned: newer than what the watch has told, and it will not be told again as a change. */
  learn(object: T): void {
    this.#set(object);
  }

  /** Goes on until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (this.#version === undefined || performance.now() - this.#listedAt > CONTROLLER.relistMs) await this.#list();
        const begun = performance.now();
        await this.#watch(signal);
        // One that ends at once is trouble as well.
        failures = performance.now() - begun > 1_000 ? 0 : failures + 1;
      } catch (error) {
        if (signal.aborted) return;
        if (this.#options.optional && isNotFound(error)) {
          this.#unknown();
          await pause(CONTROLLER.unknownKindMs, signal);
          continue;
        }
        failures++;
        this.#version = undefined;
        if (!isKubernetesError(error, 410)) this.#options.onError(error, this.#options.type);
      }
      if (failures > 0) {
        const bounds = { firstMs: CONTROLLER.watchRetryFirstMs, mostMs: CONTROLLER.watchRetryMostMs };
        await pause(backoffMs(failures, bounds), signal);
      }
    }
  }

  async #list(): Promise<void> {
    const { kubernetes, type, namespace, labels } = this.#options;
    const { items, resourceVersion } = await kubernetes.client.list(type, { namespace, labels });
    const there = new Set<string>();
    for (const item of items) {
      there.add(keyOf(item));
      this.#changed(item);
    }
    for (const [key, object] of this.#objects) if (!there.has(key)) this.#gone(object);
    this.#version = resourceVersion;
    this.#listedAt = performance.now();
    this.#known = true;
    this.#synced.resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { kubernetes, type, namespace, labels } = this.#options;
    await kubernetes.watcher.watch(type, {
      namespace,
      labels,
      resourceVersion: this.#version as string,
      signal,
      onEvent: (event, object) => {
        this.#version = object.metadata.resourceVersion;
        if (event === 'DELETED') this.#gone(object);
        else if (event !== 'BOOKMARK') this.#changed(object);
      },
    });
  }

  #unknown(): void {
    this.#known = false;
    for (const object of this.all()) this.#gone(object);
    this.#synced.resolve();
  }

  #changed(object: T): void {
    const known = this.#objects.get(keyOf(object));
    if (known?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.#options.onChange(this.#set(object), false);
  }

  #set(whole: T): T {
    const object = (this.#options.shrink ?? withoutManagers)(whole);
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before !== undefined) this.#ungroup(key, before);
    this.#objects.set(key, object);
    for (const group of this.#options.groupBy?.(object) ?? []) {
      const members = this.#groups.get(group) ?? new Map<string, T>();
      this.#groups.set(group, members.set(key, object));
    }
    return object;
  }

  #gone(object: T): void {
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known === undefined) return;
    this.#objects.delete(key);
    this.#ungroup(key, known);
    this.#options.onChange(known, true);
  }

  #ungroup(key: string, object: T): void {
    for (const group of this.#options.groupBy?.(object) ?? []) {
      const members = this.#groups.get(group);
      members?.delete(key);
      if (members?.size === 0) this.#groups.delete(group);
    }
  }
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Who changed what is of no use to us, and the largest part of most objects. */
function withoutManagers<T extends KubernetesObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown };
  return { ...object, metadata };
}
