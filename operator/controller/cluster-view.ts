import { type FaaSKeeper, LABELS, MANAGED_SELECTOR } from '../api/index.ts';
import {
  type Deployment,
  type KnativeService,
  type Kubernetes,
  type KubernetesObject,
  type ResourceType,
  type Secret,
  type Service,
  TYPES,
} from '../kubernetes/index.ts';
import { type Child, FAASKEEPERS, type View } from '../reconcilers/index.ts';
import { withoutContent } from '../resources/index.ts';
import { Informer } from './informer.ts';

export interface ClusterViewOptions {
  readonly kubernetes: Kubernetes;
  /** Namespace and name of the release. */
  readonly release: { readonly namespace: string; readonly name: string };
  /** Something about one resource has changed. */
  readonly onResource: (namespace: string, name: string) => void;
  /** Something that all instances stand on has changed. */
  readonly onShared: () => void;
  readonly onError: (error: unknown, type: ResourceType) => void;
}

/** Watches the resources, what was made for them, and what they share. */
export class ClusterView implements View {
  readonly #resources: Informer<FaaSKeeper>;
  readonly #secrets: Informer<Secret>;
  readonly #services: Informer<Service>;
  readonly #policies: Informer<KubernetesObject>;
  readonly #knative: Informer<KnativeService>;
  readonly #deployments: Informer<Deployment>;
  readonly #release: ClusterViewOptions['release'];

  constructor({ kubernetes, release, onResource, onShared, onError }: ClusterViewOptions) {
    this.#release = release;
    const { namespace } = release;
    const groupBy = ({ metadata }: KubernetesObject) => metadata.labels?.[LABELS.instanceId];
    const onChange = ({ metadata }: KubernetesObject) => {
      const { [LABELS.namespace]: of, [LABELS.resource]: name } = metadata.labels ?? {};
      if (of !== undefined && name !== undefined) onResource(of, name);
      else onShared();
    };
    const common = { kubernetes, onError, onChange, groupBy };
    this.#resources = new Informer({
      kubernetes,
      onError,
      type: FAASKEEPERS,
      onChange: ({ metadata }) => onResource(metadata.namespace, metadata.name),
    });
    // By component as well: Knative gives the labels of a function of ours to the Services that it makes for it.
    const made = (component: string) => ({ ...common, labels: `${MANAGED_SELECTOR},${LABELS.component}=${component}` });
    this.#secrets = new Informer({ ...made('binding'), type: TYPES.secret, shrink: withoutContent });
    this.#services = new Informer({ ...made('gateway'), type: TYPES.service, namespace });
    this.#policies = new Informer({ ...made('gateway'), type: TYPES.networkPolicy, namespace });
    // Of the release, too: Dedicated functions are made like them.
    const labels = `${LABELS.partOf}=faaskeeper`;
    this.#knative = new Informer({ ...common, labels, type: TYPES.knativeService, namespace, optional: true });
    this.#deployments = new Informer({ ...common, labels, type: TYPES.deployment, namespace });
  }

  get #informers() {
    return [this.#resources, this.#secrets, this.#services, this.#policies, this.#knative, this.#deployments];
  }

  /** Goes on until the signal aborts. */
  run(signal: AbortSignal): Promise<unknown> {
    return Promise.all(this.#informers.map((informer) => informer.run(signal)));
  }

  /** Resolves when everything has been listed once. */
  synced(): Promise<unknown> {
    return Promise.all(this.#informers.map((informer) => informer.synced));
  }

  resources(): FaaSKeeper[] {
    return this.#resources.all();
  }

  resource(namespace: string, name: string): FaaSKeeper | undefined {
    return this.#resources.get(namespace, name);
  }

  children(instanceId: string): readonly Child[] {
    const of = (type: ResourceType, informer: { group(value: string): KubernetesObject[] }) =>
      informer.group(instanceId).map((object) => ({ type, object }));
    return [
      ...of(TYPES.service, this.#services),
      ...of(TYPES.networkPolicy, this.#policies),
      ...of(TYPES.knativeService, this.#knative),
      ...of(TYPES.secret, this.#secrets),
    ];
  }

  /** Ids of all instances that something was made for, by the namespace and name of their resource. */
  owners(): Map<string, { readonly namespace: string; readonly name: string }> {
    const owners = new Map<string, { readonly namespace: string; readonly name: string }>();
    for (const informer of [this.#services, this.#policies, this.#knative]) {
      for (const { metadata } of informer.all() as KubernetesObject[]) {
        const {
          [LABELS.instanceId]: id,
          [LABELS.namespace]: namespace,
          [LABELS.resource]: name,
        } = metadata.labels ?? {};
        if (id !== undefined && namespace !== undefined && name !== undefined) owners.set(id, { namespace, name });
      }
    }
    return owners;
  }

  gatewayServices(): readonly Service[] {
    return this.#services.all();
  }

  deployment(name: string): Deployment | undefined {
    return this.#deployments.get(this.#release.namespace, name);
  }

  knativeService(name: string): KnativeService | undefined {
    return this.#knative.get(this.#release.namespace, name);
  }

  get knativeInstalled(): boolean {
    return this.#knative.known;
  }

  learn(type: ResourceType, object: KubernetesObject): void {
    const informers = new Map<ResourceType, { learn(object: never): void }>([
      [FAASKEEPERS, this.#resources],
      [TYPES.secret, this.#secrets],
      [TYPES.service, this.#services],
      [TYPES.networkPolicy, this.#policies],
      [TYPES.knativeService, this.#knative],
    ]);
    informers.get(type)?.learn(object as never);
  }
}
