/** Names that the API, the objects that the operator makes, and the chart share. */
export const GROUP = 'faaskeeper.io';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = 'FaaSKeeper';
export const PLURAL = 'faaskeepers';

/** Held by each resource until what it has outside of its namespace is gone. */
export const FINALIZER = `${GROUP}/instance`;

/** Field manager of everything that the operator applies. */
export const FIELD_MANAGER = 'faaskeeper-operator';

export const LABELS = {
  name: 'app.kubernetes.io/name',
  component: 'app.kubernetes.io/component',
  managedBy: 'app.kubernetes.io/managed-by',
  partOf: 'app.kubernetes.io/part-of',
  /** Which instance an object belongs to. */
  instanceId: `${GROUP}/instance-id`,
  /** Namespace and name of the resource that declares the instance. */
  namespace: `${GROUP}/namespace`,
  resource: `${GROUP}/name`,
} as const;

/** Selects everything that the operator makes. */
export const MANAGED_SELECTOR = `${LABELS.managedBy}=${FIELD_MANAGER}`;

export const ANNOTATIONS = {
  /** Digest of what was applied: when it differs, the object is applied again. */
  applied: `${GROUP}/applied`,
  /** Of a gateway Service: TLS server names that lead to the instance, separated by commas. */
  serverNames: `${GROUP}/server-names`,
  /** Of a binding Secret: digest of what its credentials depend on. */
  credentials: `${GROUP}/credentials`,
  /** ... when they end, and when they are to be renewed, as RFC 3339. */
  expires: `${GROUP}/credentials-expire`,
  renew: `${GROUP}/credentials-renew`,
  /** ... SHA-256 of the passwords that its Redis user has, the newest first: with them it is made again. */
  redisUser: `${GROUP}/redis-user`,
} as const;

/** The functions, by the names that URLs, programs and `spec.functions` have. */
export const FUNCTIONS = ['writer', 'distributor', 'watch', 'heartbeat'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** Opaque, never the resource's name: its uid without dashes. */
export function instanceIdOf(resource: { readonly metadata: { readonly uid: string } }): string {
  return resource.metadata.uid.replaceAll('-', '');
}
