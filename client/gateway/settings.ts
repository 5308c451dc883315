import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { BOUNDS } from './bounds.ts';
import { isWord } from './words/names.ts';

/** One setting of the gateway: a flag, and the environment variable that means the same. */
export interface GatewayFlag {
  readonly name: string;
  readonly env: string;
  /** What stands for the value in the help. */
  readonly value: string;
  readonly default: string;
  readonly text: string;
}

/** Settings of a gateway that `npm start` takes as well. */
export const GATEWAY_FLAGS = [
  {
    name: 'four-letter-words',
    env: 'FAASKEEPER_FOUR_LETTER_WORDS',
    value: 'list|*',
    default: BOUNDS.fourLetterWords,
    text: 'The four-letter words that are answered, separated by commas (4lw.commands.whitelist)',
  },
  {
    name: 'max-client-connections',
    env: 'FAASKEEPER_MAX_CLIENT_CONNECTIONS',
    value: 'number',
    default: String(BOUNDS.maxClientConnections),
    text: 'Connections of one client address; 0: no limit (maxClientCnxns)',
  },
  {
    name: 'enforce-auth-schemes',
    env: 'FAASKEEPER_ENFORCE_AUTH_SCHEMES',
    value: 'list',
    default: '',
    text: 'A connection that has authenticated with none of these schemes gets nothing (enforce.auth.schemes)',
  },
  {
    name: 'max-buffer',
    env: 'FAASKEEPER_MAX_BUFFER',
    value: 'bytes',
    default: String(BOUNDS.maxBuffer),
    text: 'Largest request; a connection that sends more is closed (jute.maxbuffer)',
  },
] as const satisfies readonly GatewayFlag[];

/** Settings of a gateway of its own; the stores have those of the functions. */
export const PROGRAM_FLAGS = [
  ...GATEWAY_FLAGS,
  {
    name: 'gateway-host',
    env: 'FAASKEEPER_GATEWAY_HOST',
    value: 'address',
    default: '127.0.0.1',
    text: 'Where it listens for clients',
  },
  {
    name: 'gateway-instances',
    env: 'FAASKEEPER_GATEWAY_INSTANCES',
    value: 'JSON',
    default: '',
    text: 'The instances it serves: [{"port": 2181, "instance": "id", "prefix": "id/"}]',
  },
  {
    name: 'admin-host',
    env: 'FAASKEEPER_HOST',
    value: 'address',
    default: '127.0.0.1',
    text: 'Where probes are answered',
  },
  {
    name: 'admin-port',
    env: 'PORT',
    value: 'port',
    default: '8080',
    text: 'Port of probes and metrics; 0 picks a free one',
  },
  {
    name: 'log-level',
    env: 'FAASKEEPER_LOG_LEVEL',
    value: 'level',
    default: 'info',
    text: 'debug, info, warn, error or silent',
  },
  { name: 'nats-url', env: 'FAASKEEPER_NATS_URL', value: 'URL', default: '', text: 'NATS servers (required)' },
  { name: 'nats-user', env: 'FAASKEEPER_NATS_USER', value: 'name', default: '', text: 'User of the system' },
  { name: 'nats-password', env: 'FAASKEEPER_NATS_PASSWORD', value: 'text', default: '', text: 'Its password' },
  { name: 's3-endpoint', env: 'FAASKEEPER_S3_ENDPOINT', value: 'URL', default: '', text: 'The S3 store (required)' },
  { name: 's3-region', env: 'FAASKEEPER_S3_REGION', value: 'name', default: 'us-east-1', text: 'Its region' },
  { name: 's3-bucket', env: 'FAASKEEPER_S3_BUCKET', value: 'name', default: '', text: 'Bucket (required)' },
  {
    name: 's3-access-key-id',
    env: 'FAASKEEPER_S3_ACCESS_KEY_ID',
    value: 'text',
    default: '',
    text: 'Access key (required)',
  },
  {
    name: 's3-secret-access-key',
    env: 'FAASKEEPER_S3_SECRET_ACCESS_KEY',
    value: 'text',
    default: '',
    text: 'Secret key (required)',
  },
] as const satisfies readonly GatewayFlag[];

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

const instancesSchema = v.pipe(
  v.string(),
  v.parseJson(undefined, 'it is no JSON'),
  v.array(
    v.object({
      /** Of TCP; 0 picks a free one. */
      port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
      instance: v.pipe(v.string(), v.regex(/^[a-z0-9]{1,32}$/)),
      /** Of its keys in user storage. */
      prefix: v.pipe(v.string(), v.endsWith('/')),
    }),
  ),
  v.minLength(1, 'it names no instance'),
);

const programSchema = v.object({
  ...gatewayEntries,
  'gateway-host': v.optional(required, '127.0.0.1'),
  'gateway-instances': instancesSchema,
  'admin-host': v.optional(required, '127.0.0.1'),
  'admin-port': v.optional(port, '8080'),
  'log-level': v.optional(v.picklist(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
  'nats-url': required,
  'nats-user': v.optional(v.string()),
  'nats-password': v.optional(v.string()),
  's3-endpoint': required,
  's3-region': v.optional(v.string(), 'us-east-1'),
  's3-bucket': required,
  's3-access-key-id': required,
  's3-secret-access-key': required,
});
export type ProgramSettings = v.InferOutput<typeof programSchema>;
export type InstanceSettings = ProgramSettings['gateway-instances'][number];

export interface GatewaySettings {
  readonly host: string;
  readonly fourLetterWords: ReadonlySet<string> | '*';
  /** 0: no limit. */
  readonly maxClientConnections: number;
  /** undefined: nothing is enforced. */
  readonly enforcedSchemes: ReadonlySet<string> | undefined;
  readonly maxBuffer: number;
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
  };
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
