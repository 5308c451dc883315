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
import { gatewayPortOf, serverNamesOf, withoutContent } from '../resources/index.ts';
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
    const onChange = (object: KubernetesObject) => {
      const owner = ownerOf(object);
      if (owner !== undefined) onResource(owner.namespace, owner.name);
      else onShared();
    };
    const common = { kubernetes, onError, onChange, groupBy: groupsOf };
    this.#resources = new Informer({
      kubernetes,
      onError,
      type: FAASKEEPERS,
      onChange: ({ metadata }) => onResource(metadata.namespace, metadata.name),
    });
    // By component as well: Knative gives the labels of a function of ours to the Services that it makes for it.
    const made = (component: string) => ({ ...common, labels: `${MANAGED_SELECTOR},${LABELS.component}=${component}` });
    this.#secrets = new Informer({ ...made('binding'), type: TYPES.secret, shrink: withoutContent });
    this.#services = new Informer({
      ...made('gateway'),
      type: TYPES.service,
      namespace,
      groupBy: (service: Service) => [
        ...groupsOf(service),
        portGroup(gatewayPortOf(service)),
        ...serverNamesOf(service).map(nameGroup),
      ],
    });
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

  /** Resources that something was made for in the namespace of the release, whether they are there or not. */
  owners(): Iterable<Owner> {
    const owners = new Map<string, Owner>();
    for (const informer of this.#ownedInformers) {
      for (const object of informer.all()) {
        const owner = ownerOf(object);
        if (owner !== undefined) owners.set(ownerGroup(owner), owner);
      }
    }
    return owners.values();
  }

  /** Ids of the instances that something was made for there under the name of a resource: one, unless it was made anew. */
  instancesOf(owner: Owner): ReadonlySet<string> {
    const objects = this.#ownedInformers.flatMap((informer) => informer.group(ownerGroup(owner)));
    return new Set(objects.flatMap(({ metadata }) => metadata.labels?.[LABELS.instanceId] ?? []));
  }

  get #ownedInformers(): readonly { all(): KubernetesObject[]; group(value: string): KubernetesObject[] }[] {
    return [this.#services, this.#policies, this.#knative];
  }

  gatewayService(name: string): Service | undefined {
    return this.#services.get(this.#release.namespace, name);
  }

  gatewayServicesAt(port: number): readonly Service[] {
    return this.#services.group(portGroup(port));
  }

  gatewayServicesNamed(serverName: string): readonly Service[] {
    return this.#services.group(nameGroup(serverName));
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

/** Namespace and name of a resource. */
interface Owner {
  readonly namespace: string;
  readonly name: string;
}

function ownerOf({ metadata }: KubernetesObject): Owner | undefined {
  const { [LABELS.namespace]: namespace, [LABELS.resource]: name } = metadata.labels ?? {};
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

function ownerGroup({ namespace, name }: Owner): string {
  return `${namespace}/${name}`;
}

function portGroup(port: number | undefined): string {
  return `port ${port}`;
}

function nameGroup(serverName: string): string {
  return `name ${serverName}`;
}

/** By instance, and by the resource that declares it. */
function groupsOf(object: KubernetesObject): readonly string[] {
  const id = object.metadata.labels?.[LABELS.instanceId];
  const owner = ownerOf(object);
  return [...(id === undefined ? [] : [id]), ...(owner === undefined ? [] : [ownerGroup(owner)])];
}
