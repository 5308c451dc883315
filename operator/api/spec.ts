import { LIMITS } from '@faaskeeper/protocol';
import { bytes, choice, flag, type Infer, integer, list, map, object, passedOn, text } from './schema.ts';

const dnsName = { pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', maxLength: 253 } as const;

const userStorage = object(
  'Where clients read the nodes of the tree.',
  {
    type: choice('S3: one object for each node. Hybrid: small nodes in Redis, larger ones in S3.', ['S3', 'Hybrid'], {
      default: 'S3',
      rules: [{ rule: 'self == oldSelf', message: 'the type of user storage cannot be changed: make a new instance' }],
    }),
    thresholdBytes: integer('Hybrid only: nodes with more data are kept in S3. Default: 4096.', {
      minimum: 0,
      maximum: LIMITS.dataBytes,
    }),
    s3: object('What is different from the S3 store of the installation.', {
      clientEndpoint: text('URL at which the clients of this instance reach the store.', {
        pattern: '^https?://[^/?#@ ]+/?$',
        maxLength: 253,
      }),
    }),
  },
  {
    default: {},
    rules: [
      {
        rule: "!has(self.thresholdBytes) || self.type == 'Hybrid'",
        message: 'thresholdBytes is for type Hybrid only',
      },
    ],
  },
);

const timeoutMs = { minimum: 100, maximum: 86_400_000 } as const;
const sessions = object(
  'Bounds of the session timeouts that clients may ask for.',
  {
    tickMs: integer("ZooKeeper's tickTime, in milliseconds.", { default: 2_000, minimum: 50, maximum: 60_000 }),
    minTimeoutMs: integer('Shortest timeout that is granted, in milliseconds. Default: 2 ticks.', timeoutMs),
    maxTimeoutMs: integer('Longest timeout that is granted, in milliseconds. Default: 20 ticks.', timeoutMs),
  },
  {
    default: {},
    rules: [
      {
        rule: '(has(self.minTimeoutMs) ? self.minTimeoutMs : 2 * self.tickMs) <= (has(self.maxTimeoutMs) ? self.maxTimeoutMs : 20 * self.tickMs)',
        message: 'minTimeoutMs (default: 2 ticks) must not be more than maxTimeoutMs (default: 20 ticks)',
      },
    ],
  },
);

/** Requests and limits of a container, as Kubernetes has them. */
export interface Resources {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

const scale = {
  minScale: integer('Pods that stay when there is nothing to do.', { minimum: 0, maximum: 100 }),
  maxScale: integer('Most pods.', { minimum: 1, maximum: 1_000 }),
  resources: passedOn<Resources>('Requests and limits of the container.'),
} as const;
const scaleRule = {
  rule: '!has(self.minScale) || !has(self.maxScale) || self.minScale <= self.maxScale',
  message: 'minScale must not be more than maxScale',
} as const;
const oneFunction = (name: string) => object(`What is different for the ${name}.`, scale, { rules: [scaleRule] });

const functions = object(
  'The functions that serve the instance.',
  {
    isolation: choice(
      'Shared: those of the installation. Dedicated: its own, which scale to zero.',
      ['Shared', 'Dedicated'],
      {
        default: 'Shared',
      },
    ),
    ...scale,
    writer: oneFunction('writer'),
    distributor: oneFunction('distributor'),
    watch: oneFunction('watch function'),
    heartbeat: oneFunction('heartbeat function'),
  },
  {
    default: {},
    rules: [
      scaleRule,
      {
        rule: "self.isolation == 'Dedicated' || !(has(self.minScale) || has(self.maxScale) || has(self.resources) || has(self.writer) || has(self.distributor) || has(self.watch) || has(self.heartbeat))",
        message: 'scale and resources are settings of Dedicated functions: those of Shared ones are in the chart',
      },
    ],
  },
);

const limits = object(
  'What the instance may hold; a write beyond it is refused.',
  {
    nodes: integer('Nodes of the tree.', { minimum: 1 }),
    bytes: bytes('Bytes of all data, as a number or with a unit: 10Gi.'),
    sessions: integer('Sessions that live at the same time.', { minimum: 1 }),
  },
  { default: {} },
);

const gatewaySource = object(
  'Clients that may connect.',
  {
    namespaces: map('Labels of their namespaces; the label kubernetes.io/metadata.name is its name.', text('Value.')),
    cidr: text('Addresses outside of the cluster, such as 10.0.0.0/8.', { maxLength: 64 }),
  },
  {
    rules: [
      {
        rule: 'has(self.namespaces) != has(self.cidr)',
        message: 'each entry of gateway.from has either namespaces or cidr',
      },
      {
        rule: "!has(self.cidr) || self.cidr.matches('^[0-9a-fA-F.:]{2,45}/[0-9]{1,3}$')",
        message: 'cidr must be an address range such as 10.0.0.0/8',
      },
    ],
  },
);

const gateway = object(
  "The endpoint for ZooKeeper's clients.",
  {
    enabled: flag('Whether there is one.', { default: true }),
    exposure: choice('Type of its Service.', ['ClusterIP', 'LoadBalancer'], { default: 'ClusterIP' }),
    annotations: map('Annotations of its Service, for the load balancer.', text('Value.')),
    from: list('Who may connect besides the namespace of the resource.', gatewaySource, { maxItems: 32 }),
    tls: object('TLS; the certificate is that of the installation.', {
      serverNames: list(
        'Names under which clients reach this instance at the shared TLS port (SNI).',
        text('DNS name.', dnsName),
        {
          maxItems: 16,
        },
      ),
    }),
    maxConnections: integer('Connections at the same time, of all clients.', { minimum: 1 }),
    maxOutstandingRequests: integer('Requests without an answer, of all connections.', { minimum: 1 }),
  },
  { default: {} },
);

const destination = object('An S3 bucket of your own for backups. Default: the bucket of the installation.', {
  endpoint: text('URL of the store. Default: that of the installation.', { pattern: '^https?://', maxLength: 253 }),
  region: text('Its region.', { maxLength: 64 }),
  bucket: text('The bucket; it must be there.', { required: true, minLength: 3, maxLength: 63 }),
  prefix: text('Prefix of the keys, ending in /.', { pattern: '^([A-Za-z0-9_.-]+/)*$', maxLength: 256 }),
  credentialsSecret: text(
    'Secret in the namespace of the resource with the keys access-key-id and secret-access-key.',
    { required: true, ...dnsName },
  ),
});

const backup = object('Backups on a schedule.', {
  schedule: text('When, as five fields of cron: minute, hour, day of month, month, day of week.', {
    required: true,
    maxLength: 128,
    rules: [
      {
        rule: "self.startsWith('@') ? self in ['@hourly', '@daily', '@weekly', '@monthly', '@yearly'] : self.trim().split(' ').filter(f, f != '').size() == 5",
        message:
          "schedule must have the five fields of cron, such as '0 3 * * *', or be @hourly, @daily, @weekly, @monthly or @yearly",
      },
    ],
  }),
  timeZone: text('Time zone of the schedule, such as Europe/Zurich. Default: UTC.', { maxLength: 64 }),
  retention: object(
    'Which backups are kept; the newest always is.',
    {
      count: integer('So many.', { default: 7, minimum: 1, maximum: 10_000 }),
      days: integer('Not older than so many days.', { minimum: 1, maximum: 36_500 }),
    },
    { default: {} },
  ),
  destination,
  paused: flag('No new backups are made.', { default: false }),
});

const restoreFrom = object('Begins with the tree of a backup. Sessions and ephemeral nodes are not in it.', {
  instanceId: text('status.instanceId of the instance that was backed up.', {
    required: true,
    pattern: '^[a-z0-9]{1,32}$',
    maxLength: 32,
  }),
  backup: text("The backup's name, as in status.backup.last.name. Default: the newest.", { maxLength: 64 }),
  destination,
});

export const specSchema = object(
  'What the instance should be. Everything has a default.',
  {
    userStorage,
    sessions,
    functions,
    limits,
    containerCheckIntervalMs: integer('How often containers and TTL nodes are looked at, in milliseconds.', {
      default: 60_000,
      minimum: 100,
      maximum: 86_400_000,
    }),
    enforceQuota: flag('Whether hard quotas (setquota -N, -B) refuse writes, as zookeeper.enforceQuota.', {
      default: false,
    }),
    gateway,
    superUser: object('Who may do everything.', {
      secretName: text('Secret in the namespace of the resource.', { required: true, ...dnsName }),
      key: text('Its key with the digest identity super:HASH.', { default: 'digest', maxLength: 253 }),
    }),
    binding: object(
      'The Secret that clients mount.',
      { secretName: text('Default: the name of the resource with -faaskeeper.', dnsName) },
      { default: {} },
    ),
    backup,
    restoreFrom,
    deletionPolicy: choice(
      'What becomes of the data when the resource is deleted. Retain: a last checkpoint stays in user storage. Delete: nothing stays but backups.',
      ['Retain', 'Delete'],
      { default: 'Retain' },
    ),
    suspend: flag('The instance serves nobody; its data stays.', { default: false }),
  },
  {
    default: {},
    rules: [
      {
        rule: '!has(self.restoreFrom) || (has(oldSelf.restoreFrom) && self.restoreFrom == oldSelf.restoreFrom)',
        message: 'restoreFrom is for new instances: it can neither be added nor changed later',
      },
    ],
  },
);

export type FaaSKeeperSpec = Infer<typeof specSchema>;
export type BackupDestination = Infer<typeof destination>;
export type FunctionScale = Pick<FaaSKeeperSpec['functions'], 'minScale' | 'maxScale' | 'resources'>;
