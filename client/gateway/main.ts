/** The gateway as a program: until SIGTERM. */
import { once } from 'node:events';
import { pino } from 'pino';
import { connectNats, s3Reader, systemClock, systemRandom } from '../transport/index.ts';
import { startAdmin } from './admin.ts';
import { Gateway } from './gateway.ts';
import { gatewaySettings, helpText, type ProgramSettings, parseSettings, SettingsError } from './settings.ts';
import { SharedMessaging } from './shared-messaging.ts';

async function run(settings: ProgramSettings): Promise<void> {
  const logger = pino({
    level: settings['log-level'],
    base: { program: 'gateway' },
    formatters: { level: (label) => ({ level: label }) },
  });
  const nats = { url: settings['nats-url'], user: settings['nats-user'], password: settings['nats-password'] };
  const messaging = new SharedMessaging(await connectNats(nats, 'gateway'));
  const objects = s3Reader({
    endpoint: settings['s3-endpoint'],
    region: settings['s3-region'],
    bucket: settings['s3-bucket'],
    accessKeyId: settings['s3-access-key-id'],
    secretAccessKey: settings['s3-secret-access-key'],
    prefix: '',
  });
  const outside = { messaging, objects, clock: systemClock, random: systemRandom };
  const instances = settings['gateway-instances'];
  const gateway = new Gateway({ settings: gatewaySettings(settings), instances, outside, logger });
  await gateway.start();
  const admin = await startAdmin(gateway, {
    host: settings['admin-host'],
    port: settings['admin-port'],
    connected: () => messaging.connected,
  });
  logger.info({ ports: gateway.ports, admin: admin.port, startMs: Math.round(performance.now()) }, 'ready');
  const signal = await Promise.race(['SIGTERM', 'SIGINT'].map((name) => once(process, name).then(() => name)));
  logger.info({ signal, connections: gateway.connections }, 'stopping');
  await gateway.stop();
  await admin.stop();
  objects.close();
  await messaging.close();
  logger.info({}, 'stopped');
}

try {
  const settings = parseSettings(process.argv.slice(2), process.env);
  if (settings === 'help') process.stdout.write(helpText());
  else {
    await run(settings);
    process.exit(0);
  }
} catch (error) {
  const known = error instanceof SettingsError || (error instanceof Error && 'code' in error);
  process.stderr.write(`gateway: ${known ? (error as Error).message : String((error as Error).stack ?? error)}\n`);
  process.exit(error instanceof SettingsError ? 2 : 1);
}
