import { StoresConfigError, storesConfig, storesEnvironment } from '../../../functions/stores/config.ts';

const ENVIRONMENT = {
  FAASKEEPER_NATS_URL: 'nats://localhost:4222,nats://other:4222',
  FAASKEEPER_NATS_USER: 'system',
  FAASKEEPER_NATS_PASSWORD: 'secret',
  FAASKEEPER_NATS_CREDS: '/credentials/system.creds',
  FAASKEEPER_REDIS_URL: 'redis://localhost:6379/0',
  FAASKEEPER_S3_ENDPOINT: 'http://localhost:9000',
  FAASKEEPER_S3_REGION: 'eu-central-1',
  FAASKEEPER_S3_BUCKET: 'faaskeeper',
  FAASKEEPER_S3_ACCESS_KEY_ID: 'key',
  FAASKEEPER_S3_SECRET_ACCESS_KEY: 'secret',
  FAASKEEPER_S3_SESSION_TOKEN: 'token',
};

test('every setting comes from its environment variable, and goes back to it', () => {
  expect(storesEnvironment(storesConfig(ENVIRONMENT))).toEqual(ENVIRONMENT);
});

test('user, password and region may be left out', () => {
  const { FAASKEEPER_NATS_USER: _u, FAASKEEPER_NATS_PASSWORD: _p, FAASKEEPER_S3_REGION: _r, ...rest } = ENVIRONMENT;
  expect(storesConfig(rest)).toMatchObject({
    nats: { url: ENVIRONMENT.FAASKEEPER_NATS_URL },
    s3: { region: 'us-east-1' },
  });
});

test('what is missing or wrong is named, all at once and without its value', () => {
  const wrong = {
    ...ENVIRONMENT,
    FAASKEEPER_NATS_URL: undefined,
    FAASKEEPER_S3_BUCKET: '',
    FAASKEEPER_REDIS_URL: 'http://secret',
  };
  expect(() => storesConfig(wrong)).toThrow(StoresConfigError);
  expect(() => storesConfig(wrong)).toThrow(
    'FAASKEEPER_NATS_URL is not set; FAASKEEPER_REDIS_URL must begin with redis:// or rediss://; FAASKEEPER_S3_BUCKET is not set',
  );
});

test('an empty environment names every variable that is needed', () => {
  expect(() => storesConfig({})).toThrow(/FAASKEEPER_NATS_URL is not set.*FAASKEEPER_S3_SECRET_ACCESS_KEY is not set/);
});
