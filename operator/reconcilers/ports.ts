/** What the reconcilers know of the outside. */
import type { FaaSKeeper, FunctionName } from '../api/index.ts';
import type { CredentialIssuer } from '../credentials/index.ts';
import type { InstanceData as WholeInstanceData } from '../data/index.ts';
import type {
  Deployment,
  KnativeService,
  KubernetesClient,
  KubernetesObject,
  ResourceType,
  Secret,
  Service,
} from '../kubernetes/index.ts';
import type { ServerReport } from '../probes/index.ts';
import type { ServiceFamilies } from '../resources/index.ts';

export type { BackupPlace } from '../data/index.ts';

/** Requests to the API server. */
export type Cluster = Pick<KubernetesClient, 'get' | 'apply' | 'applyStatus' | 'mergePatch' | 'delete'>;

/** What instances' data goes through; operator/data has it. */
export type InstanceData = Pick<
  WholeInstanceData,
  'declare' | 'suspend' | 'status' | 'retain' | 'purge' | 'backup' | 'findBackups' | 'pruneBackups' | 'restore'
>;

/** Objects that the operator may make, of all instances, as they were seen last. */
export interface View {
  resource(namespace: string, name: string): FaaSKeeper | undefined;
  /** In the namespace of the release, and binding Secrets. */
  children(instanceId: string): readonly Child[];
  /** An instance's Service of the gateway, by its name. */
  gatewayService(name: string): Service | undefined;
  /** Those that lead to a port of the gateway's pods. */
  gatewayServicesAt(port: number): readonly Service[];
  /** Those that claim a TLS server name. */
  gatewayServicesNamed(serverName: string): readonly Service[];
  /** A Deployment of the release. */
  deployment(name: string): Deployment | undefined;
  knativeService(name: string): KnativeService | undefined;
  /** False where Knative Serving is not installed. */
  readonly knativeInstalled: boolean;
  /** What a request of ours returned, before the watch tells of it. */
  learn(type: ResourceType, object: KubernetesObject): void;
}

export interface Child {
  readonly type: ResourceType;
  readonly object: Secret | Service | KnativeService | KubernetesObject;
}

/** What the servers were last found to be; undefined before the first look. */
export interface Probes {
  reports(): readonly ServerReport[] | undefined;
}

export type EventType = 'Normal' | 'Warning';

/** Kubernetes Events; never throws. */
export interface Recorder {
  event(about: KubernetesObject, type: EventType, reason: string, message: string): void;
}

/** Where things of the release are, and what is the same for all instances. */
export interface Release {
  /** Namespace of the release. */
  readonly namespace: string;
  /** Name that its objects begin with. */
  readonly name: string;
  readonly clusterDomain: string;
  /** First and last port that instances get at the gateway's pods. */
  readonly gatewayPorts: readonly [first: number, last: number];
  readonly logReplicas: 1 | 3;
  /** Of the gateway's Services. */
  readonly families?: ServiceFamilies;
  /** Where the programs of the release reach the store. */
  readonly s3: { readonly endpoint: string; readonly region: string };
  /** Addresses that clients use. */
  readonly client: {
    readonly natsUrl: string;
    /** For instances with Hybrid user storage; without user and password. */
    readonly redisUrl: string;
    readonly s3: { readonly endpoint: string; readonly region: string; readonly bucket: string };
    /** Certificates that clients need to trust these, as PEM. */
    readonly ca?: string | undefined;
  };
}

export interface Outside {
  readonly cluster: Cluster;
  readonly view: View;
  readonly data: InstanceData;
  readonly issuer: CredentialIssuer;
  readonly probes: Probes;
  readonly recorder: Recorder;
  readonly release: Release;
  readonly now: () => Date;
  /** Does something in the background, once for each name at a time; the key is reconciled when it has ended. */
  readonly background: Background;
  /** Aborts when this process no longer leads. */
  readonly signal: AbortSignal;
}

export interface Background {
  /** False: it runs already. */
  start(name: string, key: string, work: (signal: AbortSignal) => Promise<void>): boolean;
  isRunning(name: string): boolean;
}

/** URLs of an instance's own functions. */
export type FunctionUrls = Readonly<Partial<Record<FunctionName, string>>>;
