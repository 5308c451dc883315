import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  fixedInstances,
  helpText,
  PROGRAM_FLAGS,
  type ProgramSettings,
  parseSettings,
  tlsFiles,
} from '../../../client/gateway/settings.ts';

const REQUIRED = {
  FAASKEEPER_GATEWAY_INSTANCES: '[{"port":0,"instance":"a","prefix":"a/"}]',
  FAASKEEPER_NATS_URL: 'nats://127.0.0.1:1',
  FAASKEEPER_S3_ENDPOINT: 'http://127.0.0.1:1',
  FAASKEEPER_S3_BUCKET: 'b',
  FAASKEEPER_S3_ACCESS_KEY_ID: 'k',
  FAASKEEPER_S3_SECRET_ACCESS_KEY: 's',
};

test("defaults are ZooKeeper's", () => {
  expect(parseSettings([], REQUIRED)).toMatchObject({
    'four-letter-words': new Set(['srvr']),
    'max-client-connections': 60,
    'enforce-auth-schemes': undefined,
    'max-buffer': 1_048_575,
  });
});

test('a flag wins over its environment variable', () => {
  const env = { ...REQUIRED, FAASKEEPER_FOUR_LETTER_WORDS: 'stat', FAASKEEPER_MAX_BUFFER: '4096' };
  const settings = parseSettings(['--four-letter-words', '*'], env);
  expect(settings).toMatchObject({ 'four-letter-words': '*', 'max-buffer': 4_096 });
});

test.each([
  [['--four-letter-words', 'ruok,nope'], 'names no four-letter word'],
  [['--max-client-connections', '-1'], "Option '--max-client-connections' argument is ambiguous"],
  [['--max-buffer', '12'], 'at least 1024'],
  [['--enforce-auth-schemes', 'kerberos'], 'digest, x509, ip'],
  [['--gateway-instances', '{'], 'no JSON'],
  [['--nonsense'], 'See --help'],
])('%j is refused with what is wrong', (args, message) => {
  expect(() => parseSettings(args, REQUIRED)).toThrow(message);
});

test('what is missing is named', () => {
  expect(() => parseSettings([], {})).toThrow('is missing');
});

test('help and docs/gateway.md know every flag', () => {
  expect(parseSettings(['--help'], {})).toBe('help');
  const docs = readFileSync(join(__dirname, '../../../docs/gateway.md'), 'utf8');
  for (const { name, env } of PROGRAM_FLAGS) {
    expect(helpText()).toContain(`--${name} <`);
    if (!/^(nats|s3)-/.test(name)) {
      expect(docs).toContain(`\`--${name}\``);
      expect(docs).toContain(`\`${env}\``);
    }
  }
});

test('an instance with Hybrid user storage needs Redis', () => {
  const instances = JSON.stringify([{ instance: 'a', prefix: 'a/', port: 0, userStorage: 'Hybrid' }]);
  const args = ['--gateway-instances', instances];
  expect(() => fixedInstances(parsed(...args))).toThrow('--redis-url is missing: instance a has Hybrid');
  expect(fixedInstances(parsed(...args, '--redis-url', 'redis://h:6379'))).toHaveLength(1);
});

const parsed = (...args: string[]) => parseSettings(args, REQUIRED) as ProgramSettings;

test('clients must have a certificate where authorities are named, unless told otherwise', () => {
  const files = ['--tls-cert', 'c', '--tls-key', 'k'];
  expect(tlsFiles(parsed())).toBeUndefined();
  expect(tlsFiles(parsed(...files))).toEqual({ cert: 'c', key: 'k', clientAuth: 'none' });
  expect(tlsFiles(parsed(...files, '--tls-ca', 'a'))).toMatchObject({ ca: 'a', clientAuth: 'need' });
  expect(tlsFiles(parsed(...files, '--tls-ca', 'a', '--tls-client-auth', 'want'))).toMatchObject({
    clientAuth: 'want',
  });
});

test.each([
  [['--tls-cert', 'c'], '--tls-key is missing'],
  [['--gateway-secure-port', '1'], '--tls-cert is missing'],
  [['--tls-cert', 'c', '--tls-key', 'k', '--tls-client-auth', 'need'], '--tls-ca is missing'],
])('%j is refused: %s', (args, message) => {
  expect(() => tlsFiles(parsed(...args))).toThrow(message);
});

test('the TLS port is that of the only instance; several need names', () => {
  const tls = ['--gateway-secure-port', '2281', '--tls-cert', 'c', '--tls-key', 'k'];
  expect(fixedInstances(parsed(...tls))).toEqual([{ instance: 'a', prefix: 'a/', port: 0, securePort: 2_281 }]);
  const two = '[{"instance":"a","prefix":"a/","serverNames":["A.x"]},{"instance":"b","prefix":"b/"}]';
  expect(() => fixedInstances(parsed(...tls, '--gateway-instances', two))).toThrow('no port leads to instance b');
  expect(() => parsed('--gateway-instances', two.replace('"b"', '"a"'))).toThrow('names an instance twice');
});
