import { BOUNDS } from './bounds.ts';

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
    name: 'max-connections',
    env: 'FAASKEEPER_MAX_CONNECTIONS',
    value: 'number',
    default: String(BOUNDS.maxConnections),
    text: 'Connections of one instance; 0: no limit (maxCnxns)',
  },
  {
    name: 'max-outstanding-requests',
    env: 'FAASKEEPER_MAX_OUTSTANDING_REQUESTS',
    value: 'number',
    default: String(BOUNDS.maxOutstandingRequests),
    text: 'Requests of one instance without an answer; beyond it, each client must wait for its own; 0: no limit (globalOutstandingLimit)',
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
  {
    name: 'gateway-secure-port',
    env: 'FAASKEEPER_GATEWAY_SECURE_PORT',
    value: 'port',
    default: '',
    text: 'TLS port: of the instance, or of all that have server names (secureClientPort)',
  },
  {
    name: 'tls-cert',
    env: 'FAASKEEPER_TLS_CERT',
    value: 'file',
    default: '',
    text: "The server's certificate and those between it and its authority, in PEM; followed when it changes",
  },
  { name: 'tls-key', env: 'FAASKEEPER_TLS_KEY', value: 'file', default: '', text: 'Its private key, in PEM' },
  {
    name: 'tls-ca',
    env: 'FAASKEEPER_TLS_CA',
    value: 'file',
    default: '',
    text: "The authorities of the clients' certificates, in PEM",
  },
  {
    name: 'tls-client-auth',
    env: 'FAASKEEPER_TLS_CLIENT_AUTH',
    value: 'none|want|need',
    default: 'need with --tls-ca, none without',
    text: 'Whether clients may or must have a certificate (ssl.clientAuth)',
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
    text: 'The instances it serves, as JSON; without, those that are declared with a port or a server name',
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
  {
    name: 'nats-creds',
    env: 'FAASKEEPER_NATS_CREDS',
    value: 'file',
    default: '',
    text: 'Its .creds file, instead of user and password',
  },
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
  {
    name: 's3-session-token',
    env: 'FAASKEEPER_S3_SESSION_TOKEN',
    value: 'text',
    default: '',
    text: 'Session token of temporary keys',
  },
  {
    name: 'redis-url',
    env: 'FAASKEEPER_REDIS_URL',
    value: 'URL',
    default: '',
    text: 'Redis with the nodes of instances with Hybrid user storage: redis://user:password@host:port',
  },
] as const satisfies readonly GatewayFlag[];
