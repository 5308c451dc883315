import { parseArgs } from 'node:util';
import { gatewaySpecEntries, INSTANCE_ID, type InstanceSpec } from '@faaskeeper/protocol';
import * as v from 'valibot';
import { BOUNDS } from './bounds.ts';
import { PROGRAM_FLAGS } from './flags.ts';
import { CLIENT_AUTH, type TlsFiles } from './tls/certificates.ts';
import { isWord } from './words/names.ts';

export { GATEWAY_FLAGS, type GatewayFlag, PROGRAM_FLAGS } from './flags.ts';

const port = v.pipe(v.string(), v.regex(/^\d{1,5}$/, 'a port is a number'), v.transform(Number), v.maxValue(65_535));
const count = v.pipe(v.string(), v.regex(/^\d{1,10}$/, 'it is no whole number'), v.transform(Number));
const required = v.pipe(v.string(), v.nonEmpty());
const list = v.pipe(
  v.string(),
  v.transform((text) =>
    text
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  ),
);

/** Schemas of GATEWAY_FLAGS, by name; values are texts. */
export const gatewayEntries = {
  'four-letter-words': v.optional(
    v.pipe(
      list,
      v.check((words) => words.every((word) => word === '*' || isWord(word)), 'it names no four-letter word'),
      v.transform((words): ReadonlySet<string> | '*' => (words.includes('*') ? '*' : new Set(words))),
    ),
    BOUNDS.fourLetterWords,
  ),
  'max-client-connections': v.optional(count, String(BOUNDS.maxClientConnections)),
  'max-connections': v.optional(count, String(BOUNDS.maxConnections)),
  'max-outstanding-requests': v.optional(count, String(BOUNDS.maxOutstandingRequests)),
  'gateway-secure-port': v.optional(port),
  'tls-cert': v.optional(v.string()),
  'tls-key': v.optional(v.string()),
  'tls-ca': v.optional(v.string()),
  'tls-client-auth': v.optional(v.picklist(CLIENT_AUTH, `it is one of ${CLIENT_AUTH.join(', ')}`)),
  'enforce-auth-schemes': v.optional(
    v.pipe(
      list,
      v.check((schemes) => schemes.every((one) => ['digest', 'x509', 'ip'].includes(one)), 'it is of digest, x509, ip'),
      v.transform((schemes): ReadonlySet<string> | undefined => (schemes.length === 0 ? undefined : new Set(schemes))),
    ),
    '',
  ),
  'max-buffer': v.optional(v.pipe(count, v.minValue(1_024, 'it is at least 1024')), String(BOUNDS.maxBuffer)),
} as const;

/** An instance as the gateway serves it. */
const instanceSchema = v.object({
  ...gatewaySpecEntries,
  /** Of TCP; 0 picks a free one. */
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535))),
  instance: v.pipe(v.string(), v.regex(INSTANCE_ID)),
  /** Of its keys in user storage. */
  prefix: v.pipe(v.string(), v.endsWith('/')),
  /** Default S3. */
  userStorage: v.optional(v.picklist(['S3', 'Hybrid'])),
  /** Subject of the super user's certificate. */
  superX509: v.optional(v.pipe(v.string(), v.nonEmpty())),
});
export type InstanceSettings = v.InferOutput<typeof instanceSchema>;

const instancesSchema = v.pipe(
  v.string(),
  v.parseJson(undefined, 'it is no JSON'),
  v.array(instanceSchema),
  v.minLength(1, 'it names no instance'),
  v.check((all) => new Set(all.map(({ instance }) => instance)).size === all.length, 'it names an instance twice'),
);

const programSchema = v.object({
  ...gatewayEntries,
  'gateway-host': v.optional(required, '127.0.0.1'),
  'gateway-instances': v.optional(instancesSchema),
  'admin-host': v.optional(required, '127.0.0.1'),
  'admin-port': v.optional(port, '8080'),
  'log-level': v.optional(v.picklist(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
  'nats-url': required,
  'nats-user': v.optional(v.string()),
  'nats-password': v.optional(v.string()),
  'nats-creds': v.optional(v.string()),
  's3-endpoint': required,
  's3-region': v.optional(v.string(), 'us-east-1'),
  's3-bucket': required,
  's3-access-key-id': required,
  's3-secret-access-key': required,
  's3-session-token': v.optional(v.string()),
  'redis-url': v.optional(v.pipe(v.string(), v.regex(/^rediss?:\/\//, 'it begins with redis:// or rediss://'))),
});
export type ProgramSettings = v.InferOutput<typeof programSchema>;

export interface GatewaySettings {
  readonly host: string;
  readonly fourLetterWords: ReadonlySet<string> | '*';
  /** 0: no limit. */
  readonly maxClientConnections: number;
  /** undefined: nothing is enforced. */
  readonly enforcedSchemes: ReadonlySet<string> | undefined;
  readonly maxBuffer: number;
  /** Of an instance; 0: no limit. */
  readonly maxConnections: number;
  readonly maxOutstandingRequests: number;
  /** TLS port of the instances that have server names and no TLS port of their own. */
  readonly securePort: number | undefined;
}

/** A setting is missing or wrong; the message says which. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Flags win over the environment. @throws SettingsError */
export function parseSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ProgramSettings | 'help' {
  const given = parseFlags(args);
  if (given.help === true) return 'help';
  const raw: Record<string, string> = {};
  for (const flag of PROGRAM_FLAGS) {
    const value = given[flag.name] ?? env[flag.env];
    if (typeof value === 'string' && value !== '') raw[flag.name] = value;
  }
  const parsed = v.safeParse(programSchema, raw);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const name = String(issue.path?.[0]?.key);
  const variable = PROGRAM_FLAGS.find((flag) => flag.name === name)?.env;
  const what = name in raw ? `is not right: ${issue.message}` : 'is missing';
  throw new SettingsError(`--${name} (or ${variable}) ${what}. See --help.`);
}

function parseFlags(args: readonly string[]): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(PROGRAM_FLAGS.map(({ name }) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (cause) {
    throw new SettingsError(`${(cause as Error).message} See --help.`, { cause });
  }
}

export function gatewaySettings(settings: ProgramSettings): GatewaySettings {
  return {
    host: settings['gateway-host'],
    fourLetterWords: settings['four-letter-words'],
    maxClientConnections: settings['max-client-connections'],
    enforcedSchemes: settings['enforce-auth-schemes'],
    maxBuffer: settings['max-buffer'],
    maxConnections: settings['max-connections'],
    maxOutstandingRequests: settings['max-outstanding-requests'],
    securePort: settings['gateway-secure-port'],
  };
}

type TlsSettings = Pick<ProgramSettings, 'gateway-secure-port' | 'tls-cert' | 'tls-key' | 'tls-ca' | 'tls-client-auth'>;

/** Where the certificates are; undefined: no TLS. @throws SettingsError */
export function tlsFiles(settings: TlsSettings): TlsFiles | undefined {
  const { 'tls-cert': cert, 'tls-key': key, 'tls-ca': ca, 'tls-client-auth': clientAuth } = settings;
  const needs = (flag: string, why: string) => new SettingsError(`--${flag} is missing: ${why}. See --help.`);
  if (cert === undefined || key === undefined) {
    if (cert !== undefined) throw needs('tls-key', 'a certificate needs its key');
    const given = (['tls-key', 'tls-ca', 'gateway-secure-port'] as const).find((name) => settings[name] !== undefined);
    if (given !== undefined) throw needs('tls-cert', `--${given} needs it`);
    return undefined;
  }
  if (ca !== undefined) return { cert, key, ca, clientAuth: clientAuth ?? 'need' };
  if (clientAuth === 'want' || clientAuth === 'need') throw needs('tls-ca', 'it says whose certificates are good');
  return { cert, key, clientAuth: 'none' };
}

/**
 * The fixed list of instances; undefined: those of the registry. The TLS port is that of the only instance, if it has no
 * server names. @throws SettingsError
 */
export function fixedInstances(settings: ProgramSettings): readonly InstanceSettings[] | undefined {
  const { 'gateway-instances': instances, 'gateway-secure-port': securePort } = settings;
  if (instances === undefined) return undefined;
  const only = instances.length === 1 ? instances[0] : undefined;
  const owns = only !== undefined && only.securePort === undefined && only.serverNames === undefined;
  const settled = owns && securePort !== undefined ? [{ ...only, securePort }] : instances;
  for (const one of settled) requireRedis(one, settings['redis-url'] !== undefined);
  for (const { instance, port, serverNames, securePort: own } of settled) {
    const secure = own !== undefined || serverNames !== undefined;
    if (secure && settings['tls-cert'] === undefined) {
      throw new SettingsError(`--tls-cert is missing: instance ${instance} wants TLS. See --help.`);
    }
    if (port === undefined && own === undefined && (serverNames === undefined || securePort === undefined)) {
      throw new SettingsError(`--gateway-instances: no port leads to instance ${instance}. See --help.`);
    }
  }
  return settled;
}

/** A registered instance; undefined when no gateway is to serve it. */
export function registeredInstance(spec: InstanceSpec): InstanceSettings | undefined {
  const { id, storagePrefix, superX509, gateway, userStorage } = spec;
  if (gateway === undefined) return undefined;
  const { port, securePort, serverNames } = gateway;
  if (port === undefined && securePort === undefined && serverNames === undefined) return undefined;
  const ofX509 = superX509 === undefined ? {} : { superX509 };
  return { ...gateway, instance: id, prefix: storagePrefix, userStorage: userStorage.type, ...ofX509 };
}

/** @throws SettingsError */
export function requireRedis({ instance, userStorage }: InstanceSettings, isThere: boolean): void {
  if (userStorage !== 'Hybrid' || isThere) return;
  throw new SettingsError(`--redis-url is missing: instance ${instance} has Hybrid user storage. See --help.`);
}

export function helpText(): string {
  const lines = PROGRAM_FLAGS.map((flag) => {
    const preset = flag.default === '' ? '' : ` (default ${flag.default})`;
    return `  --${flag.name} <${flag.value}>\n      ${flag.text}${preset}; ${flag.env}`;
  });
  return `gateway: serves ZooKeeper's clients

Each flag can also be given by the environment variable named beside it; a flag wins.

${lines.join('\n')}
  --help
      This text
`;
}
