import { type BundledServer, CredentialsError, makeCredentials } from './make.ts';

/** A Secret as it is stored; values are text. */
export interface StoredSecret {
  readonly data: Readonly<Record<string, string>>;
  readonly resourceVersion: string;
}

/** What this needs of the API server. `conflict`: somebody else was faster. */
export interface SecretStore {
  read(): Promise<StoredSecret | undefined>;
  create(data: Readonly<Record<string, string>>): Promise<'done' | 'conflict'>;
  /** Adds keys to the Secret if it still has this version. */
  add(data: Readonly<Record<string, string>>, resourceVersion: string): Promise<'done' | 'conflict'>;
}

const ATTEMPTS = 10;

/** Puts what is missing into the Secret; may be repeated and run twice at once. Returns the names of what was made. */
export async function ensureCredentials(
  store: SecretStore,
  needs: Parameters<typeof makeCredentials>[1],
): Promise<readonly string[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const secret = await store.read();
    const missing = await makeCredentials(secret?.data ?? {}, needs);
    const names = Object.keys(missing);
    if (names.length === 0) return names;
    const outcome = await (secret === undefined ? store.create(missing) : store.add(missing, secret.resourceVersion));
    if (outcome === 'done') return names;
  }
  throw new CredentialsError(`The Secret was changed by somebody else ${ATTEMPTS} times in a row. Try again.`);
}

/** `<release>-credentials` in the namespace of the release. */
export async function kubernetesSecret(namespace: string, release: string): Promise<SecretStore> {
  // It takes most of a second to load.
  const { kubernetes } = await import('../kubernetes/connect.ts');
  const { isConflict, TYPES } = await import('../kubernetes/index.ts');
  const { client } = kubernetes('faaskeeper-credentials');
  const name = `${release}-credentials`;
  const labels = {
    'app.kubernetes.io/name': 'faaskeeper',
    'app.kubernetes.io/instance': release,
    'app.kubernetes.io/component': 'credentials',
    'app.kubernetes.io/part-of': 'faaskeeper',
    'app.kubernetes.io/managed-by': 'faaskeeper-operator',
  };
  const settled = async (write: Promise<unknown>): Promise<'done' | 'conflict'> => {
    try {
      await write;
      return 'done';
    } catch (error) {
      if (isConflict(error)) return 'conflict';
      throw error;
    }
  };
  return {
    async read() {
      const secret = await client.get(TYPES.secret, namespace, name);
      if (secret === undefined) return undefined;
      return { data: mapValues(secret.data ?? {}, decode), resourceVersion: secret.metadata.resourceVersion };
    },
    create: (data) =>
      settled(
        client.create(TYPES.secret, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name, namespace, labels },
          type: 'Opaque',
          data: mapValues(data, encode),
        }),
      ),
    async add(data, resourceVersion) {
      const secret = await client.get(TYPES.secret, namespace, name);
      if (secret?.metadata.resourceVersion !== resourceVersion) return 'conflict';
      const all = { ...secret.data, ...mapValues(data, encode) };
      return settled(client.replace(TYPES.secret, { ...secret, data: all }));
    },
  };
}

const SERVERS: readonly BundledServer[] = ['nats', 'redis', 's3'];

/**
 * The program of the hook Job. Environment: FAASKEEPER_NAMESPACE, FAASKEEPER_RELEASE, and FAASKEEPER_BUNDLED, the servers
 * that the chart brings (of `nats`, `redis`, `s3`, separated by commas; default: all; `none`).
 *
 * @throws CredentialsError
 */
export async function runCredentials(
  env: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
): Promise<void> {
  const { FAASKEEPER_NAMESPACE: namespace, FAASKEEPER_RELEASE: release } = env;
  if (!namespace || !release) throw new CredentialsError('FAASKEEPER_NAMESPACE and FAASKEEPER_RELEASE must be set');
  const bundled = bundledServers(env.FAASKEEPER_BUNDLED);
  const made = await ensureCredentials(await kubernetesSecret(namespace, release), {
    bundled,
    redisHost: `${release}-redis.${namespace}.svc`,
  });
  say(made.length === 0 ? 'Nothing is missing' : `Made ${made.join(', ')} in Secret ${release}-credentials`);
}

function bundledServers(list = SERVERS.join(',')): BundledServer[] {
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'none');
  return names.map((name) => {
    const known = SERVERS.find((server) => server === name);
    if (known === undefined) throw new CredentialsError(`FAASKEEPER_BUNDLED names ${name}, not of nats, redis, s3`);
    return known;
  });
}

function mapValues(data: Readonly<Record<string, string>>, map: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, map(value)]));
}

function encode(value: string): string {
  return Buffer.from(value, 'utf8').toString('base64');
}

function decode(value: string): string {
  return Buffer.from(value, 'base64').toString('utf8');
}
