/** The gateway as a program: until SIGTERM. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import type { Messaging } from '../ports.ts';
import {
  connectNats,
  type NatsOptions,
  redisRecords,
  s3Reader,
  systemClock,
  systemRandom,
} from '../transport/index.ts';
import { followRegistry, isMissingRegistry } from '../transport/registry.ts';
import { startAdmin } from './admin.ts';
import { BOUNDS } from './bounds.ts';
import { Gateway } from './gateway.ts';
import {
  fixedInstances,
  gatewaySettings,
  helpText,
  type ProgramSettings,
  parseSettings,
  registeredInstance,
  requireRedis,
  SettingsError,
  tlsFiles,
} from './settings.ts';
import { SharedMessaging } from './shared-messaging.ts';
import { CertificateError, Certificates } from './tls/index.ts';

async function run(settings: ProgramSettings): Promise<void> {
  const logger = pino({
    level: settings['log-level'],
    base: { program: 'gateway' },
    formatters: { level: (label) => ({ level: label }) },
  });
  const creds = settings['nats-creds'];
  const nats = {
    url: settings['nats-url'],
    user: settings['nats-user'],
    password: settings['nats-password'],
    creds: creds === undefined ? undefined : () => readFileSync(creds, 'utf8'),
  };
  const objects = s3Reader({
    endpoint: settings['s3-endpoint'],
    region: settings['s3-region'],
    bucket: settings['s3-bucket'],
    accessKeyId: settings['s3-access-key-id'],
    secretAccessKey: settings['s3-secret-access-key'],
    sessionToken: settings['s3-session-token'],
    prefix: '',
  });
  const { 'redis-url': redisUrl } = settings;
  const records = redisUrl === undefined ? undefined : redisRecords({ url: redisUrl });
  const instances = fixedInstances(settings);
  const files = tlsFiles(settings);
  const certificates = files === undefined ? undefined : await Certificates.load(files, logger);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => stop.abort(signal));
  const asked = once(stop.signal, 'abort');

  // Probes are answered from the start: waiting for NATS is no reason to be restarted.
  const admin = await startAdmin({ host: settings['admin-host'], port: settings['admin-port'] });
  const base = await connected(nats, logger, stop.signal);
  if (base !== undefined) {
    const messaging = new SharedMessaging(base);
    const outside = { messaging, objects, records, clock: systemClock, random: systemRandom };
    const gateway = new Gateway({ settings: gatewaySettings(settings), outside, certificates, logger });
    await gateway.start(instances);
    const registry =
      instances === undefined ? serveRegistered(gateway, nats, logger, records !== undefined) : undefined;
    await registry?.listed;
    admin.serve(gateway, () => messaging.connected);
    logger.info({ ports: gateway.ports, admin: admin.port, startMs: Math.round(performance.now()) }, 'ready');
    await asked;
    logger.info({ signal: stop.signal.reason, connections: gateway.connections }, 'stopping');
    await registry?.close();
    await gateway.stop();
    await messaging.close();
  }
  certificates?.close();
  await admin.stop();
  objects.close();
  records?.close();
  logger.info({}, 'stopped');
}

/** Tries until NATS lets us in; undefined: we are to stop. */
async function connected(nats: NatsOptions, logger: Logger, signal: AbortSignal): Promise<Messaging | undefined> {
  for (let tries = 1; !signal.aborted; tries++) {
    try {
      return await connectNats(nats, 'gateway');
    } catch (error) {
      const reason = error instanceof Error ? String(error.cause ?? error) : String(error);
      if (tries === 1) logger.warn({ reason }, 'NATS cannot be reached; trying on');
      await delay(BOUNDS.natsRetry, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}

/** The gateway serves what the registry says. `listed` resolves when it has said it for the first time. */
function serveRegistered(gateway: Gateway, nats: NatsOptions, logger: Logger, hasRedis: boolean) {
  const listed = Promise.withResolvers<void>();
  let told = '';
  const registry = followRegistry(nats, {
    onDeclared(spec) {
      const instance = registeredInstance(spec);
      if (instance === undefined) {
        gateway.remove(spec.id);
        return;
      }
      try {
        requireRedis(instance, hasRedis);
        gateway.declare(instance);
      } catch (err) {
        logger.error({ instance: spec.id, err }, 'an instance cannot be served');
      }
    },
    onRemoved: (id) => gateway.remove(id),
    onListed(ids) {
      told = '';
      gateway.retain(ids);
      void gateway.settled().then(listed.resolve);
    },
    onError(error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== told) logger.warn({ reason }, 'the registry of instances cannot be read; trying on');
      told = reason;
      // There is no registry before the first instance: nothing to wait for.
      if (isMissingRegistry(error)) listed.resolve();
    },
  });
  return { listed: listed.promise, close: () => registry.close() };
}

try {
  const settings = parseSettings(process.argv.slice(2), process.env);
  if (settings === 'help') process.stdout.write(helpText());
  else {
    await run(settings);
    process.exit(0);
  }
} catch (error) {
  const known =
    error instanceof SettingsError || error instanceof CertificateError || (error instanceof Error && 'code' in error);
  process.stderr.write(`gateway: ${known ? (error as Error).message : String((error as Error).stack ?? error)}\n`);
  process.exit(error instanceof SettingsError || error instanceof CertificateError ? 2 : 1);
}
