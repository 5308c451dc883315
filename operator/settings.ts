import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type StoresConfig, storesConfig } from '@faaskeeper/functions/stores';
import * as v from 'valibot';
import type { Release } from './reconcilers/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const port = v.pipe(v.string(), v.regex(/^\d{1,5}$/, 'must be a port number'), v.transform(Number), v.maxValue(65_535));
const text = v.pipe(v.string(), v.nonEmpty());
const portRange = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}-\d{1,5}$/, 'must be a range of ports such as 20000-29999'),
  v.transform((range): readonly [number, number] => {
    const [first, last] = range.split('-').map(Number);
    return [first as number, last as number];
  }),
  v.check(([first, last]) => first >= 1_024 && last <= 65_535 && first <= last, 'must be within 1024-65535'),
);

const schema = v.object({
  PORT: v.optional(port, '8080'),
  FAASKEEPER_HOST: v.optional(text, '127.0.0.1'),
  FAASKEEPER_LOG_LEVEL: v.optional(v.picklist(['debug', 'info', 'warn', 'error', 'silent']), 'info'),
  FAASKEEPER_NAMESPACE: text,
  FAASKEEPER_RELEASE: text,
  FAASKEEPER_CLUSTER_DOMAIN: v.optional(text, 'cluster.local'),
  FAASKEEPER_GATEWAY_PORTS: v.optional(portRange, '20000-29999'),
  FAASKEEPER_LOG_REPLICAS: v.optional(
    v.pipe(
      v.picklist(['1', '3'], 'must be 1 or 3'),
      v.transform((count): 1 | 3 => (count === '3' ? 3 : 1)),
    ),
    '1',
  ),
  FAASKEEPER_IP_FAMILY_POLICY: v.optional(text),
  FAASKEEPER_IP_FAMILIES: v.optional(text),
  FAASKEEPER_NATS_CLIENT_URL: v.optional(text),
  FAASKEEPER_REDIS_CLIENT_URL: v.optional(
    v.pipe(v.string(), v.regex(/^rediss?:\/\//, 'must begin with redis:// or rediss://')),
  ),
  FAASKEEPER_S3_CLIENT_ENDPOINT: v.optional(text),
  NODE_EXTRA_CA_CERTS: v.optional(text),
  POD_NAME: v.optional(text),
});

/** Settings of the operator, for `--help`; those of stores and credentials have their own schemas. */
export const SETTINGS_HELP: readonly (readonly [name: string, text: string])[] = [
  ['KUBECONFIG', 'how to reach the API server (default: the service account of the pod)'],
  ['FAASKEEPER_NAMESPACE', 'namespace of the release (required)'],
  ['FAASKEEPER_RELEASE', 'name that the objects of the release begin with (required)'],
  ['FAASKEEPER_NATS_URL, _CREDS', 'NATS, and the credentials of the system (required)'],
  ['FAASKEEPER_NATS_CLIENT_URL', 'the same as clients reach it (default: the same)'],
  ['FAASKEEPER_NATS_ACCOUNT', 'public key of the account of clients (required)'],
  ['FAASKEEPER_NATS_ACCOUNT_SEED', 'file with the seed of a signing key of it (required)'],
  ['FAASKEEPER_LOG_REPLICAS', 'replicas of each LOG stream: 1 or 3 (default 1)'],
  ['FAASKEEPER_REDIS_URL', 'Redis (required); its user makes those of instances with Hybrid user storage'],
  ['FAASKEEPER_REDIS_CLIENT_URL', 'the same as clients reach it (default: the same, without user and password)'],
  ['FAASKEEPER_S3_ENDPOINT, _REGION, _BUCKET, _ACCESS_KEY_ID, _SECRET_ACCESS_KEY', 'the S3 store (required)'],
  ['FAASKEEPER_S3_CLIENT_ENDPOINT', 'the same as clients reach it (default: the same)'],
  ['FAASKEEPER_S3_CREDENTIALS_MODE', 'keys for clients: sts, versitygw, static or none (default sts)'],
  ['FAASKEEPER_S3_STS_ENDPOINT, _ROLE_ARN', 'for sts, where they are not those of the store'],
  ['FAASKEEPER_S3_ADMIN_ENDPOINT', 'for versitygw, where its --admin-port is another'],
  ['FAASKEEPER_S3_STATIC_ACCESS_KEY_ID, _SECRET_ACCESS_KEY, _SESSION_TOKEN', 'for static'],
  ['FAASKEEPER_CREDENTIALS_LIFETIME', 'of what clients get, in seconds; renewed at half of it (default 86400)'],
  ['FAASKEEPER_GATEWAY_PORTS', "ports on the gateway's pods (default 20000-29999)"],
  [
    'FAASKEEPER_IP_FAMILY_POLICY, _FAMILIES',
    "of the gateway's Services, the latter as IPv4,IPv6 (default: the cluster's)",
  ],
  ['FAASKEEPER_CLUSTER_DOMAIN', 'default cluster.local'],
  ['NODE_EXTRA_CA_CERTS', 'file with certificates to trust; clients get them in their binding'],
  ['PORT, FAASKEEPER_HOST', 'where probes and metrics are answered (default 8080, 127.0.0.1)'],
  ['FAASKEEPER_LOG_LEVEL', 'debug, info, warn, error or silent (default info)'],
];

/** A setting is missing or wrong; the message says which. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

export interface OperatorSettings {
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  /** Names this process among its replicas. */
  readonly identity: string;
  readonly stores: StoresConfig;
  readonly release: Release;
}

/** @throws SettingsError, StoresConfigError */
export function operatorSettings(env: Environment): OperatorSettings {
  const given = Object.fromEntries(
    Object.keys(schema.entries).flatMap((name) => (env[name] ? [[name, env[name]]] : [])),
  );
  const parsed = v.safeParse(schema, given);
  if (!parsed.success) {
    const problems = parsed.issues.map((issue) => {
      const name = String(issue.path?.[0]?.key);
      return name in given ? `${name} ${issue.message}` : `${name} is not set`;
    });
    throw new SettingsError(problems.join('; '));
  }
  const values = parsed.output;
  const stores = storesConfig(env);
  const { endpoint, region, bucket } = stores.s3;
  const caFile = values.NODE_EXTRA_CA_CERTS;
  return {
    host: values.FAASKEEPER_HOST,
    port: values.PORT,
    logLevel: values.FAASKEEPER_LOG_LEVEL,
    // A container that is started again in its pod is another process.
    identity: `${values.POD_NAME ?? hostname()}_${process.pid}_${Date.now().toString(36)}`,
    stores,
    release: {
      namespace: values.FAASKEEPER_NAMESPACE,
      name: values.FAASKEEPER_RELEASE,
      clusterDomain: values.FAASKEEPER_CLUSTER_DOMAIN,
      gatewayPorts: values.FAASKEEPER_GATEWAY_PORTS,
      logReplicas: values.FAASKEEPER_LOG_REPLICAS,
      families: {
        ...(values.FAASKEEPER_IP_FAMILY_POLICY && { ipFamilyPolicy: values.FAASKEEPER_IP_FAMILY_POLICY }),
        ...(values.FAASKEEPER_IP_FAMILIES && { ipFamilies: values.FAASKEEPER_IP_FAMILIES.split(',') }),
      },
      s3: { endpoint, region },
      client: {
        natsUrl: values.FAASKEEPER_NATS_CLIENT_URL ?? stores.nats.url,
        redisUrl: withoutLogin(values.FAASKEEPER_REDIS_CLIENT_URL ?? stores.redis.url),
        s3: { endpoint: values.FAASKEEPER_S3_CLIENT_ENDPOINT ?? endpoint, region, bucket },
        ...(caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') }),
      },
    },
  };
}

function withoutLogin(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href;
}
