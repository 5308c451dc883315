import * as v from 'valibot';
import { LIMITS } from './limits.ts';
import { INSTANCE_ID } from './subjects.ts';

const ms = v.pipe(v.number(), v.integer(), v.minValue(1));

/** What the functions must know of an instance; declared once, read by trigger and functions. */
export const instanceSpecSchema = v.object({
  id: v.pipe(v.string(), v.regex(INSTANCE_ID, 'an instance id has 1 to 32 characters of a-z and 0-9')),
  /** Prefix of all its keys in user storage, ending in /. */
  storagePrefix: v.pipe(v.string(), v.regex(/^([A-Za-z0-9_.-]+\/)+$/, 'a prefix ends in /')),
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
