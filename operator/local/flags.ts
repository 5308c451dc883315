import { GATEWAY_FLAGS } from '@faaskeeper/gateway/settings';
import { LIMITS } from '@faaskeeper/protocol';
import { defaultPorts, type ProcessName, portFlag, processNames } from './names.ts';

/** One setting of local mode: a flag and the environment variable that means the same. */
export interface Flag {
  readonly name: string;
  readonly env: string;
  /** What stands for the value in the help. */
  readonly value: string;
  readonly default: string;
  readonly text: string;
}

const servers: Partial<Record<ProcessName, string>> = { nats: 'NATS', redis: 'Redis', s3: 'the S3 server' };

/** Settings of the instance. */
const instanceFlags: readonly Flag[] = [
  {
    name: 'super-digest',
    env: 'FAASKEEPER_SUPER_DIGEST',
    value: 'super:HASH',
    default: '',
    text: 'Who authenticates as this digest may do everything (superDigest)',
  },
  {
    name: 'super-x509',
    env: 'FAASKEEPER_SUPER_X509',
    value: 'subject',
    default: '',
    text: 'Who has a certificate of this subject may do everything (X509AuthenticationProvider.superUser)',
  },
  {
    name: 'min-session-timeout',
    env: 'FAASKEEPER_MIN_SESSION_TIMEOUT',
    value: 'ms',
    default: String(LIMITS.sessionTimeoutMin),
    text: 'Shortest session timeout that is granted (minSessionTimeout)',
  },
  {
    name: 'max-session-timeout',
    env: 'FAASKEEPER_MAX_SESSION_TIMEOUT',
    value: 'ms',
    default: String(LIMITS.sessionTimeoutMax),
    text: 'Longest session timeout that is granted (maxSessionTimeout)',
  },
  {
    name: 'container-check-interval',
    env: 'FAASKEEPER_CONTAINER_CHECK_INTERVAL',
    value: 'ms',
    default: '60000',
    text: 'How often empty container nodes and outdated TTL nodes are looked for (znode.container.checkIntervalMs)',
  },
  {
    name: 'enforce-quota',
    env: 'FAASKEEPER_ENFORCE_QUOTA',
    value: 'true|false',
    default: 'false',
    text: 'Hard limits of quotas refuse what goes beyond them (enforceQuota)',
  },
];

/** Every flag of `npm start`; the help, the parser and docs/local.md follow this table. */
export const flags: readonly Flag[] = [
  {
    name: 'home',
    env: 'FAASKEEPER_HOME',
    value: 'directory',
    default: '.faaskeeper in the project',
    text: 'All data, logs and generated passwords; one FaaSKeeper at a time',
  },
  {
    name: 's3',
    env: 'FAASKEEPER_S3',
    value: 'minio|seaweedfs|versitygw|URL',
    default: 'minio',
    text: 'The S3 store to run, or http://key:secret@host:port/bucket?region=… of one that runs',
  },
  {
    name: 'storage',
    env: 'FAASKEEPER_STORAGE',
    value: 's3|hybrid',
    default: 's3',
    text: 'Where clients read: from S3, or (hybrid) small nodes from Redis; decided at the first start',
  },
  {
    name: 'nats-url',
    env: 'FAASKEEPER_NATS_URL',
    value: 'URL',
    default: '',
    text: 'nats://user:password@host:port of a NATS with JetStream that runs; then none is started',
  },
  {
    name: 'redis-url',
    env: 'FAASKEEPER_REDIS_URL',
    value: 'URL',
    default: '',
    text: 'redis://:password@host:port of a Redis that runs; then none is started',
  },
  ...processNames.map((name) => ({
    name: portFlag(name).slice(2),
    env: `FAASKEEPER_${name.toUpperCase()}_PORT`,
    value: 'port',
    default: String(defaultPorts[name]),
    text: `The port of ${servers[name] ?? `the ${name}`} on 127.0.0.1; 0 picks a free one`,
  })),
  ...GATEWAY_FLAGS,
  ...instanceFlags,
  {
    name: 'log-level',
    env: 'FAASKEEPER_LOG_LEVEL',
    value: 'level',
    default: 'info',
    text: 'How much the functions log: debug, info, warn, error or silent',
  },
];

/** The text of `npm start -- --help`. */
export function helpText(): string {
  const lines = flags.map((flag) => {
    const left = `--${flag.name} <${flag.value}>`;
    const preset = flag.default === '' ? '' : ` (default ${flag.default})`;
    return `  ${left}\n      ${flag.text}${preset}; ${flag.env}`;
  });
  return `Starts a FaaSKeeper on this machine: servers, functions and trigger. Ctrl-C stops it; its data stays.

Usage: npm start -- [flags]

Each flag can also be given by the environment variable named beside it; a flag wins.

${lines.join('\n')}
  --help
      This text
`;
}
