import * as v from 'valibot';

/** A setting that is missing or wrong; the message says which and what it must be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export type Environment = Readonly<Record<string, string | undefined>>;

const port = v.pipe(v.string(), v.regex(/^\d{1,5}$/, 'must be a port number'), v.transform(Number), v.maxValue(65_535));

export const hostSettings = {
  /** 0 picks a free port. */
  PORT: v.optional(port, '8080'),
  FAASKEEPER_HOST: v.optional(v.pipe(v.string(), v.nonEmpty()), '127.0.0.1'),
  FAASKEEPER_LOG_LEVEL: v.optional(v.picklist(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
  FAASKEEPER_FUNCTION_TOKEN: v.pipe(v.string(), v.minLength(16, 'must have at least 16 characters')),
  /** Which Revision the process belongs to (Knative's runtime contract). */
  K_REVISION: v.optional(v.string()),
} as const;

const hostSchema = v.object(hostSettings);
export type HostConfig = v.InferOutput<typeof hostSchema>;

/** What `--help` says about the settings that every program has. */
export const HOST_HELP: readonly (readonly [name: string, text: string])[] = [
  ['PORT', 'port to listen on (default 8080; 0 picks a free one)'],
  ['FAASKEEPER_HOST', 'address to listen on (default 127.0.0.1)'],
  ['FAASKEEPER_LOG_LEVEL', 'debug, info, warn, error or silent (default info)'],
  ['FAASKEEPER_FUNCTION_TOKEN', 'bearer token of the events, at least 16 characters (required)'],
];

/** ... and about those of the stores, which storesConfig (functions/stores) validates. */
export const STORES_HELP: readonly (readonly [name: string, text: string])[] = [
  ['FAASKEEPER_NATS_URL', 'NATS servers, separated by commas (required)'],
  ['FAASKEEPER_NATS_USER', 'user of the system'],
  ['FAASKEEPER_NATS_PASSWORD', 'its password'],
  ['FAASKEEPER_NATS_CREDS', 'path of its .creds file, instead of user and password'],
  ['FAASKEEPER_REDIS_URL', 'Redis, with its password: redis://:password@host:port (required)'],
  ['FAASKEEPER_S3_ENDPOINT', 'URL of the S3 store (required)'],
  ['FAASKEEPER_S3_REGION', 'its region'],
  ['FAASKEEPER_S3_BUCKET', 'bucket (required)'],
  ['FAASKEEPER_S3_ACCESS_KEY_ID', 'access key (required)'],
  ['FAASKEEPER_S3_SECRET_ACCESS_KEY', 'secret key (required)'],
  ['FAASKEEPER_S3_SESSION_TOKEN', 'session token of temporary keys'],
];

/** @throws ConfigError naming each setting that is missing or wrong. */
export function readSettings<Entries extends v.ObjectEntries>(
  entries: Entries,
  environment: Environment,
): v.InferOutput<v.ObjectSchema<Entries, undefined>> {
  const given: Record<string, string> = {};
  for (const name in entries) {
    const value = environment[name];
    if (value !== undefined && value !== '') given[name] = value;
  }
  const parsed = v.safeParse(v.object(entries), given);
  if (parsed.success) return parsed.output;
  const wrong = parsed.issues.map((issue) => {
    const name = String(issue.path?.[0]?.key ?? 'setting');
    return name in given ? `${name}: ${issue.message}` : `${name} is missing`;
  });
  throw new ConfigError(wrong.join('; '));
}
