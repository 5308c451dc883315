/** The operator: waits until it leads, then reconciles until SIGTERM or until it no longer leads. */
import { flushCompileCache } from 'node:module';
import { type OpenStores, openStores } from '@faaskeeper/functions/stores';
import { type Logger, pino } from 'pino';
import { FIELD_MANAGER } from './api/index.ts';
import {
  CONTROLLER,
  Controller,
  EventRecorder,
  LeaderElection,
  operatorMetrics,
  serveHttp,
} from './controller/index.ts';
import { credentialIssuer, issuerSettings } from './credentials/index.ts';
import { InstanceData } from './data/index.ts';
import { kubernetes } from './kubernetes/connect.ts';
import { type KubernetesClient, type OwnerReference, TYPES } from './kubernetes/index.ts';
import { probeServers, type ServerReport } from './probes/index.ts';
import { ensureBucket } from './servers/bucket.ts';
import { type OperatorSettings, operatorSettings } from './settings.ts';

/** Resolves with the exit code. @throws SettingsError and the like */
export async function runOperator(env: Readonly<Record<string, string | undefined>>): Promise<0 | 1> {
  const settings = operatorSettings(env);
  const logger = pino({
    level: settings.logLevel,
    base: { program: 'operator' },
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err },
  });
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      logger.info({ signal }, 'stopping');
      stopping.abort();
    });
  }
  const api = kubernetes(FIELD_MANAGER);
  const metrics = operatorMetrics();
  const { release, identity } = settings;
  const election = new LeaderElection({
    client: api.client,
    namespace: release.namespace,
    name: `${release.name}-operator`,
    identity,
    owner: () => operatorDeployment(api.client, release),
    onError: (err) => logger.warn({ err }, 'the Lease could not be renewed'),
  });
  const data = new LazyData(settings, logger);
  const issuer = credentialIssuer(issuerSettings(env, settings.stores), { onDoubt: () => controller.all() });
  const controller: Controller = new Controller({
    kubernetes: api,
    logger,
    metrics,
    probe: prober(settings, logger),
    outside: {
      data: data.port,
      issuer,
      release,
      recorder: new EventRecorder(api.client, identity, (err) => logger.warn({ err }, 'an event was not written')),
    },
  });
  const http = await serveHttp(settings, {
    // One that waits for its turn is as ready as the one that leads.
    notReady: () => (stopping.signal.aborted ? 'stopping' : undefined),
    metrics: async () => {
      metrics.leads.set(election.leads ? 1 : 0);
      controller.measure();
      return { type: metrics.registry.contentType, text: await metrics.registry.metrics() };
    },
  });
  logger.info({ port: http.port, identity, startMs: Math.round(performance.now()) }, 'ready');
  flushCompileCache();
  await election.acquire(stopping.signal);
  let code: 0 | 1 = 0;
  if (election.leads) {
    logger.info({ identity }, 'leading');
    const starting = controller.start();
    const end = await Promise.race([election.keep(stopping.signal), starting.then(() => new Promise<never>(() => {}))]);
    if (end === 'lost') {
      // Somebody else leads, or is about to: nothing may be done any more, not even in order.
      logger.error({}, 'the lead is lost');
      return 1;
    }
    if (!(await within(controller.stop(), CONTROLLER.stopMs))) {
      logger.warn({}, 'what was being reconciled was abandoned');
      code = 1;
    }
    await election.release();
  }
  await http.close();
  issuer.close();
  await data.close();
  logger.info({}, 'stopped');
  return code;
}

/** An uninstall takes it away, and with it what it owns. Outside of a cluster there is none. */
async function operatorDeployment(
  client: KubernetesClient,
  { namespace, name }: OperatorSettings['release'],
): Promise<OwnerReference | undefined> {
  const { apiVersion, kind } = TYPES.deployment;
  const found = await client.get(TYPES.deployment, namespace, `${name}-operator`);
  return found === undefined ? undefined : { apiVersion, kind, name: found.metadata.name, uid: found.metadata.uid };
}

/** Instances' data, connected with its first use: without NATS the operator runs, and says what is missing. */
class LazyData {
  readonly #settings: OperatorSettings;
  readonly #logger: Logger;
  #opening: Promise<OpenStores> | undefined;

  constructor(settings: OperatorSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  get port() {
    const data = () => this.#data();
    type Data = InstanceData;
    return {
      declare: async (...args: Parameters<Data['declare']>) => (await data()).declare(...args),
      suspend: async (...args: Parameters<Data['suspend']>) => (await data()).suspend(...args),
      status: async (...args: Parameters<Data['status']>) => (await data()).status(...args),
      retain: async (...args: Parameters<Data['retain']>) => (await data()).retain(...args),
      purge: async (...args: Parameters<Data['purge']>) => (await data()).purge(...args),
      backup: async (...args: Parameters<Data['backup']>) => (await data()).backup(...args),
      findBackups: async (...args: Parameters<Data['findBackups']>) => (await data()).findBackups(...args),
      pruneBackups: async (...args: Parameters<Data['pruneBackups']>) => (await data()).pruneBackups(...args),
      restore: async (...args: Parameters<Data['restore']>) => (await data()).restore(...args),
    };
  }

  async #data(): Promise<InstanceData> {
    this.#opening ??= openStores(this.#settings.stores, { name: 'operator', logger: this.#logger }).catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    const open = await this.#opening;
    this.#made ??= new InstanceData(open, this.#logger);
    return this.#made;
  }
  #made: InstanceData | undefined;

  async close(): Promise<void> {
    const open = await this.#opening?.catch(() => undefined);
    await open?.close();
  }
}

/** Makes the bucket, once, before the servers are looked at. */
function prober({ stores }: OperatorSettings, logger: Logger): () => Promise<readonly ServerReport[]> {
  let hasBucket = false;
  return async () => {
    if (!hasBucket) {
      try {
        await ensureBucket(stores.s3);
        hasBucket = true;
      } catch (err) {
        logger.warn({ err }, 'the bucket could not be made sure of');
      }
    }
    return probeServers(stores);
  };
}

async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
