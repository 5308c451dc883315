import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { GATEWAY_FLAGS, gatewayEntries, SettingsError, tlsFiles } from '@faaskeeper/gateway/settings';
import type { InstanceSpecInput } from '@faaskeeper/protocol';
import * as v from 'valibot';
import { isS3Kind, type S3Address, type S3Kind, s3Kinds, s3Region } from '../servers/index.ts';
import { UsageError } from './errors.ts';
import { flags } from './flags.ts';
import { defaultHome } from './home.ts';
import { defaultPorts, type ProcessName, portFlag, processNames } from './names.ts';

/** An address of a server that runs already. */
export interface NatsAddress {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

export interface LocalSettings {
  readonly home: string;
  /** 0: a free one. */
  readonly ports: Readonly<Record<ProcessName, number>>;
  /** undefined: what the home's data is in, else the default. */
  readonly s3: S3Kind | S3Address | undefined;
  readonly nats: NatsAddress | undefined;
  readonly redisUrl: string | undefined;
  readonly logLevel: string;
  /** Settings of the gateway, as its environment variables. */
  readonly gateway: Readonly<Record<string, string>>;
  /** Settings of the instance; without `userStorage`, it is what the home has, else S3. */
  readonly instance: Partial<Omit<InstanceSpecInput, 'id' | 'storagePrefix'>>;
}

const portSchema = v.pipe(
  v.string(),
  v.regex(/^\d+$/, 'a port is a number'),
  v.transform(Number),
  v.maxValue(65_535, 'a port is at most 65535'),
);
const natsSchema = v.pipe(
  v.string(),
  v.regex(/^(nats|tls):\/\//, 'it begins with nats:// or tls://'),
  v.url('it is no URL'),
  v.transform(natsAddress),
);
const redisSchema = v.pipe(v.string(), v.regex(/^rediss?:\/\//, 'it begins with redis:// or rediss://'), v.url());
const s3Schema = v.pipe(
  v.string(),
  v.check(
    (text) => isS3Kind(text) || /^https?:\/\/[^/]+:[^/]+@[^/]+\/[^/]+$/.test(text),
    `it is one of ${s3Kinds.join(', ')}, or http://key:secret@host:port/bucket`,
  ),
  v.transform((text) => (isS3Kind(text) ? text : s3Address(text))),
);
const ms = v.pipe(v.string(), v.regex(/^[1-9]\d{0,8}$/, 'it is a number of ms'), v.transform(Number));
const settingsSchema = v.object({
  ...gatewayEntries,
  'super-digest': v.optional(v.pipe(v.string(), v.regex(/^[^:]+:.+$/, 'it is user:hash'))),
  'super-x509': v.optional(v.pipe(v.string(), v.nonEmpty())),
  'min-session-timeout': v.optional(ms),
  'max-session-timeout': v.optional(ms),
  'container-check-interval': v.optional(ms),
  'enforce-quota': v.optional(
    v.pipe(
      v.picklist(['true', 'false']),
      v.transform((text) => text === 'true'),
    ),
  ),
  home: v.optional(v.pipe(v.string(), v.nonEmpty('it is empty'))),
  s3: v.optional(s3Schema),
  storage: v.optional(v.picklist(['s3', 'hybrid'], 'it is s3 or hybrid')),
  'nats-url': v.optional(natsSchema),
  'redis-url': v.optional(redisSchema),
  'log-level': v.optional(v.picklist(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
  ...(Object.fromEntries(processNames.map((name) => [portFlag(name).slice(2), v.optional(portSchema)])) as Record<
    `${ProcessName}-port`,
    v.OptionalSchema<typeof portSchema, undefined>
  >),
});

/** Reads flags and environment; returns 'help' when that was asked for; throws UsageError. */
export function parseSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): LocalSettings | 'help' {
  const given = parseFlags(args);
  if (given.help) return 'help';
  const raw: Record<string, string> = {};
  for (const flag of flags) {
    const value = given[flag.name] ?? env[flag.env];
    if (typeof value === 'string' && value !== '') raw[flag.name] = value;
  }
  const parsed = v.safeParse(settingsSchema, raw);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const name = String(issue.path?.[0]?.key);
    const env = flags.find((flag) => flag.name === name)?.env;
    throw new UsageError(`--${name} (or ${env}) is not right: ${issue.message}. See npm start -- --help.`);
  }
  const settings = parsed.output;
  return {
    home: settings.home === undefined ? defaultHome() : resolve(settings.home),
    ports: Object.fromEntries(
      processNames.map((name) => [name, settings[`${name}-port`] ?? defaultPorts[name]]),
    ) as Record<ProcessName, number>,
    s3: settings.s3,
    nats: settings['nats-url'],
    redisUrl: settings['redis-url'],
    logLevel: settings['log-level'],
    gateway: gatewayEnvironment(raw, settings),
    instance: instanceSettings(settings),
  };
}

/** The gateway's settings as its environment; files are named from where we are. @throws UsageError */
function gatewayEnvironment(
  raw: Readonly<Record<string, string>>,
  settings: v.InferOutput<typeof settingsSchema>,
): Record<string, string> {
  try {
    tlsFiles(settings);
  } catch (error) {
    if (error instanceof SettingsError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
  const given = GATEWAY_FLAGS.flatMap(({ name, env, value }): [string, string][] => {
    const text = raw[name];
    return text ? [[env, value === 'file' ? resolve(text) : text]] : [];
  });
  return Object.fromEntries(given);
}

function instanceSettings(settings: v.InferOutput<typeof settingsSchema>): LocalSettings['instance'] {
  const {
    'super-digest': superDigest,
    'super-x509': superX509,
    'min-session-timeout': minTimeout,
    'max-session-timeout': maxTimeout,
    'container-check-interval': containerCheckInterval,
    'enforce-quota': enforceQuota,
    storage,
  } = settings;
  if (minTimeout !== undefined && maxTimeout !== undefined && minTimeout > maxTimeout) {
    throw new UsageError('--min-session-timeout is above --max-session-timeout. See npm start -- --help.');
  }
  return {
    ...(superDigest === undefined ? {} : { superDigest }),
    ...(superX509 === undefined ? {} : { superX509 }),
    ...(containerCheckInterval === undefined ? {} : { containerCheckInterval }),
    ...(enforceQuota === undefined ? {} : { enforceQuota }),
    ...(storage === undefined ? {} : { userStorage: { type: storage === 'hybrid' ? 'Hybrid' : 'S3' } }),
    sessions: {
      ...(minTimeout === undefined ? {} : { minTimeout }),
      ...(maxTimeout === undefined ? {} : { maxTimeout }),
    },
  };
}

function parseFlags(args: readonly string[]): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(flags.map(({ name }) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message} See npm start -- --help.`, { cause });
  }
}

function natsAddress(text: string): NatsAddress {
  const url = new URL(text);
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  return { url: `${url.protocol}//${url.host}`, user, password };
}

function s3Address(text: string): S3Address {
  const url = new URL(text);
  return {
    endpoint: url.origin,
    region: url.searchParams.get('region') ?? s3Region,
    bucket: url.pathname.slice(1),
    accessKeyId: decodeURIComponent(url.username),
    secretAccessKey: decodeURIComponent(url.password),
  };
}
