import { parseSettings as gatewaySettings } from '../../../client/gateway/settings.ts';
import { hostSettings, readSettings } from '../../../functions/host/config.ts';
import { storesConfig } from '../../../functions/stores/config.ts';
import { issuerSettings } from '../../../operator/credentials/settings.ts';
import { parseSettings as localSettings } from '../../../operator/local/options.ts';
import { operatorSettings } from '../../../operator/settings.ts';
import { type Fuzz, fuzz, onlyThrows } from '../../support/fuzz.ts';

const NAMES = [
  ...['PORT', 'FAASKEEPER_HOST', 'FAASKEEPER_LOG_LEVEL', 'FAASKEEPER_FUNCTION_TOKEN', 'FAASKEEPER_NATS_URL'],
  ...['FAASKEEPER_NATS_USER', 'FAASKEEPER_NATS_CREDS', 'FAASKEEPER_REDIS_URL', 'FAASKEEPER_S3_ENDPOINT'],
  ...['FAASKEEPER_S3_BUCKET', 'FAASKEEPER_S3_ACCESS_KEY_ID', 'FAASKEEPER_S3_SECRET_ACCESS_KEY'],
  ...['FAASKEEPER_NAMESPACE', 'FAASKEEPER_RELEASE', 'FAASKEEPER_GATEWAY_PORT', 'FAASKEEPER_HOME', 'POD_NAME'],
];

function environment(random: Fuzz): Record<string, string> {
  const right = ['1', '8080', '127.0.0.1', 'info', '0123456789abcdef', 'nats://h:4222', 'redis://h', 'http://h:9000'];
  const wrong = () =>
    random.pick([random.text(30), '-1', '99999999', 'http://', 'redis://[', '%', '{"a":', '/dev/null']);
  const given: Record<string, string> = {};
  for (const name of NAMES) if (random.chance(0.8)) given[name] = random.chance(0.7) ? random.pick(right) : wrong();
  return given;
}

test('wrong settings of any program are named, and nothing else happens', async () => {
  await fuzz(500, (random) => {
    const given = environment(random);
    const args = Array.from({ length: random.int(3) }, () =>
      random.pick(['--port', '--help', `--${random.text(6)}`, 'x']),
    );
    onlyThrows(() => readSettings(hostSettings, given), 'ConfigError');
    onlyThrows(() => storesConfig(given), 'StoresConfigError');
    onlyThrows(() => operatorSettings(given), 'SettingsError', 'StoresConfigError');
    onlyThrows(() => issuerSettings(given), 'SettingsError', 'StoresConfigError', 'CredentialsError');
    onlyThrows(() => gatewaySettings(args, given), 'SettingsError');
    onlyThrows(() => localSettings(args, given), 'UsageError');
  });
});
