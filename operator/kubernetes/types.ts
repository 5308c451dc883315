/** What all objects of Kubernetes have. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
  };
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** An object as we want it: what is applied. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
  };
  readonly [field: string]: unknown;
}

/** A kind of objects and where the API server has them. */
export interface ResourceType<T extends KubernetesObject = KubernetesObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  /** Never there: carries the type. */
  readonly object?: T;
}

export interface Secret extends KubernetesObject {
  readonly type?: string;
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface Service extends KubernetesObject {
  readonly spec?: {
    readonly type?: string;
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly targetPort?: number | string;
    }[];
    readonly selector?: Readonly<Record<string, string>>;
  };
}

export interface Deployment extends KubernetesObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
  readonly status?: { readonly availableReplicas?: number };
}

/** A Service of Knative. */
export interface KnativeService extends KubernetesObject {
  readonly spec?: { readonly template?: Readonly<Record<string, unknown>> };
  readonly status?: {
    readonly observedGeneration?: number;
    /** It serves while a later one is brought up. */
    readonly latestReadyRevisionName?: string;
    readonly url?: string;
    readonly address?: { readonly url?: string };
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

export interface Lease extends KubernetesObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export const TYPES = {
  secret: { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' } as ResourceType<Secret>,
  service: { apiVersion: 'v1', kind: 'Service', plural: 'services' } as ResourceType<Service>,
  event: { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events' } as ResourceType,
  deployment: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' } as ResourceType<Deployment>,
  networkPolicy: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
  } as ResourceType,
  knativeService: {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    plural: 'services',
  } as ResourceType<KnativeService>,
  lease: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' } as ResourceType<Lease>,
} as const;

/** `/api/v1/namespaces/shop/services`, or without a namespace those of all. */
export function collectionPath({ apiVersion, plural }: ResourceType, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === undefined
    ? `${root}/${plural}`
    : `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

export function objectPath(type: ResourceType, namespace: string, name: string): string {
  return `${collectionPath(type, namespace)}/${encodeURIComponent(name)}`;
}
