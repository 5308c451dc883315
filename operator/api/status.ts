import { choice, type Infer, integer, list, object, text } from './schema.ts';

/** What can be said of an instance; docs/kubernetes.md explains each. */
export const CONDITIONS = [
  'Ready',
  'LogReady',
  'SystemStoreReady',
  'StorageReady',
  'FunctionsReady',
  'GatewayReady',
  'CredentialsScoped',
  'Suspended',
  'BackupReady',
  'Restored',
] as const;
export type ConditionType = (typeof CONDITIONS)[number];

const time = { format: 'date-time' } as const;

const condition = object('One condition.', {
  type: text('What is told of.', { required: true, maxLength: 316 }),
  status: choice('Whether it holds.', ['True', 'False', 'Unknown'], { required: true }),
  observedGeneration: integer('metadata.generation of the resource that this was found for.'),
  lastTransitionTime: text('When status changed last.', { required: true, ...time }),
  reason: text('Why, in one word.', { required: true, minLength: 1, maxLength: 1_024 }),
  message: text('Why, in plain words.', { required: true, maxLength: 32_768 }),
});
export type Condition = Infer<typeof condition>;

const lastBackup = object('A backup that is complete.', {
  name: text('Its name, for restoreFrom.', { required: true }),
  time: text('When it was begun.', { required: true, ...time }),
  location: text('Bucket and prefix.', { required: true }),
  zxid: integer('The transactions up to this one are in it.', { required: true }),
  bytes: integer('Its size.', { required: true }),
});

export const statusSchema = object('What was found.', {
  observedGeneration: integer('metadata.generation of the resource that was acted on last.'),
  instanceId: text('Names the instance in NATS, Redis and S3.'),
  mode: choice('How the instance runs.', ['Shared', 'Dedicated', 'Suspended'], {}),
  zxid: integer('Last transaction that was committed, as of a short time ago.'),
  sessions: integer('Sessions that live.'),
  nodes: integer('Nodes of the tree.'),
  bytes: integer('Bytes of all data.'),
  endpoints: object('Addresses for clients.', {
    zookeeper: text("host:port for ZooKeeper's clients."),
    nats: text('URL of NATS.'),
    s3: text('URL of the S3 store.'),
    redis: text('URL of Redis, with Hybrid user storage.'),
  }),
  binding: object('The Secret that clients mount (servicebinding.io).', {
    name: text('Its name.', { required: true }),
  }),
  gatewayPort: integer("The instance's port on the gateway's pods."),
  credentialsExpire: text('When the credentials in the binding end; they are renewed at half of that.', time),
  backup: object('Backups.', {
    last: lastBackup,
    next: text('When the next one is due.', time),
    attempted: text('When one was last tried.', time),
  }),
  restored: text('The backup that the instance began with.'),
  conditions: list('What holds.', condition, { key: 'type' }),
});
export type FaaSKeeperStatus = Infer<typeof statusSchema>;
