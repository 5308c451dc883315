import * as v from 'valibot';
import { LIMITS } from './limits.ts';
import { INSTANCE_ID } from './subjects.ts';

const ms = v.pipe(v.number(), v.integer(), v.minValue(1));

/** The KV bucket (JetStream) with the document of each declared instance, by id. */
export const INSTANCES_BUCKET = 'faaskeeper-instances';

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Most server names of one instance. */
const SERVER_NAMES = 32;

/** How ZooKeeper's clients get to an instance through a gateway, and how much of one it may take. */
export const gatewaySpecEntries = {
  /** Its plain port, nobody else's. */
  port: v.optional(port),
  /** Its TLS port; without, the gateway's shared one, if it has server names. */
  securePort: v.optional(port),
  /** TLS server names (SNI) that mean it; with them, a TLS connection must name one. */
  serverNames: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.toLowerCase(),
          v.regex(/^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/, 'it is no host name'),
        ),
      ),
      v.maxLength(SERVER_NAMES),
    ),
  ),
  /** Without, the gateway's; 0: no limit. */
  limits: v.optional(
    v.object({
      connections: v.optional(count),
      connectionsPerAddress: v.optional(count),
      outstandingRequests: v.optional(count),
    }),
  ),
} as const;

const functionUrl = v.pipe(v.string(), v.url(), v.regex(/^https?:/, 'must be an http or https URL'));

/** Functions of an instance's own: where each takes its events. Those that are left out are the shared ones. */
export const functionUrlEntries = {
  writer: v.optional(functionUrl),
  distributor: v.optional(functionUrl),
  watch: v.optional(functionUrl),
  heartbeat: v.optional(functionUrl),
} as const;

const limit = v.pipe(v.number(), v.integer(), v.minValue(1));

/** What an instance may hold; a request that would go beyond is refused with QuotaExceeded. */
export const limitEntries = {
  /** Nodes, those that every tree begins with among them. */
  nodes: v.optional(limit),
  /** Sum of the data of all nodes. */
  bytes: v.optional(limit),
  /** Living sessions. */
  sessions: v.optional(limit),
} as const;

/** Where what clients read is: in S3, or nodes in Redis and in S3 only data of more than `thresholdBytes`. */
export const userStorageSchema = v.variant('type', [
  v.object({ type: v.literal('S3') }),
  v.object({
    type: v.literal('Hybrid'),
    thresholdBytes: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMITS.dataBytes)),
      LIMITS.hybridThresholdBytes,
    ),
  }),
]);

/** What the functions must know of an instance; declared once, read by trigger and functions. */
export const instanceSpecSchema = v.object({
  id: v.pipe(v.string(), v.regex(INSTANCE_ID, 'an instance id has 1 to 32 characters of a-z and 0-9')),
  /** Prefix of all its keys in user storage, ending in /. */
  storagePrefix: v.pipe(v.string(), v.regex(/^([A-Za-z0-9_.-]+\/)+$/, 'a prefix ends in /')),
  /** The type is settled when the instance is declared for the first time. */
  userStorage: v.optional(userStorageSchema, { type: 'S3' }),
  sessions: v.optional(
    v.object({
      /** Bounds of a session's timeout, ms. */
      minTimeout: v.optional(ms, LIMITS.sessionTimeoutMin),
      maxTimeout: v.optional(ms, LIMITS.sessionTimeoutMax),
    }),
    {},
  ),
  /** Digest identity of the super user, `super:HASH`. */
  superDigest: v.optional(v.string()),
  /** Subject of the super user's certificate, as in x509 ids. */
  superX509: v.optional(v.pipe(v.string(), v.nonEmpty())),
  /** Without, no gateway serves it unless told to. */
  gateway: v.optional(v.object(gatewaySpecEntries)),
  functions: v.optional(v.object(functionUrlEntries)),
  limits: v.optional(v.object(limitEntries)),
  /** Hard limits of quotas refuse with QuotaExceeded (zookeeper.enforceQuota); without, quotas only count. */
  enforceQuota: v.optional(v.boolean()),
  /** How often containers and TTL nodes are looked at, ms. */
  containerCheckInterval: v.optional(ms, 60_000),
  /** Replicas of the LOG stream: 1 or 3. */
  logReplicas: v.optional(v.picklist([1, 3]), 1),
  /** A checkpoint is due after so many LOG bytes. */
  checkpointBytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1_024)), 32 * 1024 * 1024),
  /** ... or after so many LOG messages. */
  checkpointMessages: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 10_000),
});
export type InstanceSpec = v.InferOutput<typeof instanceSpecSchema>;
export type InstanceSpecInput = v.InferInput<typeof instanceSpecSchema>;
