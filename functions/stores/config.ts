import * as v from 'valibot';

const text = v.pipe(v.string(), v.minLength(1, 'must not be empty'));
const url = (schemes: readonly string[]) =>
  v.pipe(
    text,
    v.check(
      (value) => value.split(',').every((one) => schemes.some((scheme) => one.trim().startsWith(`${scheme}://`))),
      `must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    ),
  );

/** Where the stores are; see storesConfig for the environment variables. */
export const storesConfigSchema = v.object({
  nats: v.object({
    url: url(['nats', 'tls', 'ws', 'wss']),
    user: v.optional(text),
    password: v.optional(text),
    /** Path of a .creds file; it takes the place of user and password and is read at every connect. */
    credsFile: v.optional(text),
  }),
  redis: v.object({ url: url(['redis', 'rediss']) }),
  s3: v.object({
    endpoint: url(['http', 'https']),
    region: v.optional(text, 'us-east-1'),
    bucket: text,
    accessKeyId: text,
    secretAccessKey: text,
    sessionToken: v.optional(text),
  }),
});
export type StoresConfig = v.InferOutput<typeof storesConfigSchema>;

/** Environment variable of each setting. */
const VARIABLES = {
  nats: {
    url: 'FAASKEEPER_NATS_URL',
    user: 'FAASKEEPER_NATS_USER',
    password: 'FAASKEEPER_NATS_PASSWORD',
    credsFile: 'FAASKEEPER_NATS_CREDS',
  },
  redis: { url: 'FAASKEEPER_REDIS_URL' },
  s3: {
    endpoint: 'FAASKEEPER_S3_ENDPOINT',
    region: 'FAASKEEPER_S3_REGION',
    bucket: 'FAASKEEPER_S3_BUCKET',
    accessKeyId: 'FAASKEEPER_S3_ACCESS_KEY_ID',
    secretAccessKey: 'FAASKEEPER_S3_SECRET_ACCESS_KEY',
    sessionToken: 'FAASKEEPER_S3_SESSION_TOKEN',
  },
} as const;

/** The settings do not say where the stores are; the message names each environment variable that is wrong. */
export class StoresConfigError extends Error {
  override name = 'StoresConfigError';
}

/**
 * The configuration of the stores from environment variables. Empty variables count as not set.
 *
 * @throws StoresConfigError naming every variable that is missing or not valid.
 */
export function storesConfig(env: Readonly<Record<string, string | undefined>>): StoresConfig {
  const given = Object.fromEntries(
    Object.entries(VARIABLES).map(([section, names]) => [
      section,
      Object.fromEntries(Object.entries(names).flatMap(([key, name]) => (env[name] ? [[key, env[name]]] : []))),
    ]),
  );
  const parsed = v.safeParse(storesConfigSchema, given);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => {
    const [section, key] = (issue.path ?? []).map((item) => String(item.key));
    const name =
      (VARIABLES as Record<string, Record<string, string>>)[section ?? '']?.[key ?? ''] ?? `${section}.${key}`;
    return env[name] ? `${name} ${issue.message}` : `${name} is not set`;
  });
  throw new StoresConfigError(`The stores are not configured: ${problems.join('; ')}`);
}

/** The same configuration as environment variables, for a program that is started with it. */
export function storesEnvironment(config: StoresConfig): Record<string, string> {
  const settings = config as Record<string, Record<string, string | undefined>>;
  return Object.fromEntries(
    Object.entries(VARIABLES).flatMap(([section, names]) =>
      Object.entries(names).flatMap(([key, name]) => {
        const value = settings[section]?.[key];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  );
}
