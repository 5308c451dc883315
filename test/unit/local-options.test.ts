import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flags, helpText } from '../../operator/local/flags.ts';
import { defaultPorts } from '../../operator/local/names.ts';
import { parseSettings } from '../../operator/local/options.ts';

function settingsOf(args: string[], env: Record<string, string> = {}) {
  const settings = parseSettings(args, env);
  if (settings === 'help') throw new Error('unexpected help');
  return settings;
}

test('everything has a default', () => {
  const settings = settingsOf([]);
  expect(settings.ports).toEqual(defaultPorts);
  expect(settings).toMatchObject({ s3: undefined, nats: undefined, redisUrl: undefined, logLevel: 'info' });
});

test('the type of user storage is left open, or as it is asked for', () => {
  expect(settingsOf([]).instance.userStorage).toBeUndefined();
  expect(settingsOf(['--storage', 's3']).instance.userStorage).toEqual({ type: 'S3' });
  expect(settingsOf([], { FAASKEEPER_STORAGE: 'hybrid' }).instance.userStorage).toEqual({ type: 'Hybrid' });
});

test('a flag wins over its environment variable', () => {
  const env = { FAASKEEPER_NATS_PORT: '1', FAASKEEPER_REDIS_PORT: '2', FAASKEEPER_HOME: '/from/env' };
  const { ports, home } = settingsOf(['--nats-port', '4222'], env);
  expect([ports.nats, ports.redis, home]).toEqual([4222, 2, '/from/env']);
});

test('addresses of servers that run already are taken apart', () => {
  const { nats, redisUrl, s3 } = settingsOf([
    '--nats-url=nats://me:p%40ss@nats:4222',
    '--redis-url=redis://:secret@redis:6379',
    '--s3=http://key:secret@store:9000/bucket?region=eu-west-1',
  ]);
  expect(nats).toEqual({ url: 'nats://nats:4222', user: 'me', password: 'p@ss' });
  expect(redisUrl).toBe('redis://:secret@redis:6379');
  expect(s3).toEqual({
    endpoint: 'http://store:9000',
    region: 'eu-west-1',
    bucket: 'bucket',
    accessKeyId: 'key',
    secretAccessKey: 'secret',
  });
});

test.each([
  [['--nats-port', 'abc'], '--nats-port (or FAASKEEPER_NATS_PORT) is not right: a port is a number'],
  [['--redis-port', '65536'], 'a port is at most 65535'],
  [['--s3', 'floppy'], '--s3 (or FAASKEEPER_S3) is not right: it is one of minio'],
  [['--nats-url', 'http://x'], 'it begins with nats:// or tls://'],
  [['--storage', 'tape'], 'it is s3 or hybrid'],
  [['--nonsense'], 'See npm start -- --help'],
])('%j is refused with what is wrong', (args, message) => {
  expect(() => settingsOf(args)).toThrow(message);
});

test('help and docs/local.md know every flag', () => {
  expect(parseSettings(['--help'])).toBe('help');
  const docs = readFileSync(join(import.meta.dirname, '../../docs/local.md'), 'utf8');
  for (const flag of flags) {
    expect(helpText()).toContain(`--${flag.name} <`);
    expect(docs).toContain(`\`--${flag.name}\``);
    expect(docs).toContain(`\`${flag.env}\``);
  }
});
