import { type InstanceSpec, instanceSpecSchema, validate } from '@faaskeeper/protocol';
import * as v from 'valibot';
import { bearerCheck } from '../../../functions/host/auth.ts';
import { hostSettings, readSettings } from '../../../functions/host/config.ts';
import { Instances } from '../../../functions/host/instances.ts';

describe('settings', () => {
  const token = '0123456789abcdef';

  test('have defaults, except for secrets', () => {
    expect(readSettings(hostSettings, { FAASKEEPER_FUNCTION_TOKEN: token })).toEqual({
      PORT: 8080,
      FAASKEEPER_HOST: '127.0.0.1',
      FAASKEEPER_LOG_LEVEL: 'info',
      FAASKEEPER_FUNCTION_TOKEN: token,
    });
    expect(() => readSettings(hostSettings, {})).toThrow('FAASKEEPER_FUNCTION_TOKEN is missing');
  });

  test('all that are wrong are named at once, without the secret', () => {
    const read = () => readSettings(hostSettings, { PORT: '99999', FAASKEEPER_FUNCTION_TOKEN: 'short' });
    expect(read).toThrow(/PORT: .*FAASKEEPER_FUNCTION_TOKEN: must have at least 16 characters/s);
    expect(read).not.toThrow(/"short"/);
  });

  test('an empty variable counts as not set', () => {
    expect(readSettings({ A: v.optional(v.string(), 'default') }, { A: '' })).toEqual({ A: 'default' });
  });
});

test('only the whole token opens', () => {
  const authorized = bearerCheck('secret-secret-secret');
  expect(authorized('Bearer secret-secret-secret')).toBe(true);
  for (const wrong of [
    undefined,
    '',
    'Bearer',
    'Bearer secret',
    'bearer secret-secret-secret',
    'secret-secret-secret',
  ]) {
    expect(authorized(wrong)).toBe(false);
  }
});

describe('core objects', () => {
  const spec = (over: object = {}) => validate(instanceSpecSchema, { id: 'i1', storagePrefix: 'i1/', ...over }, 'spec');
  let declared: InstanceSpec | undefined;
  let made: { spec: InstanceSpec; closed: boolean }[];
  let now: number;
  let instances: Instances<{ spec: InstanceSpec; close(): Promise<void> }>;

  beforeEach(() => {
    declared = spec();
    made = [];
    now = 0;
    instances = new Instances({
      lookUp: async (id) => (id === 'i1' ? declared : undefined) ?? (id === 'i2' ? spec({ id: 'i2' }) : undefined),
      create: (of) => {
        const entry = { spec: of, closed: false };
        made.push(entry);
        return {
          spec: of,
          close: async () => {
            entry.closed = true;
          },
        };
      },
      onCloseError: () => {},
      now: () => now,
    });
  });

  test('are made once and shared by concurrent events', async () => {
    const cores = await Promise.all([1, 2, 3].map(() => instances.use('i1', async (core) => core)));
    expect(new Set(cores).size).toBe(1);
    expect(made).toHaveLength(1);
  });

  test('of an unknown instance do not exist', async () => {
    await expect(instances.use('i9', async () => 1)).rejects.toMatchObject({ type: 'unknown-instance' });
  });

  test('are replaced when the spec changes, and closed when what they do is done', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = instances.use('i1', () => promise);
    await instances.use('i1', async () => {});
    declared = spec({ containerCheckInterval: 5 });
    const seen = await instances.use('i1', async (core) => core.spec.containerCheckInterval);
    expect(seen).toBe(5);
    expect(made[0]?.closed).toBe(false);
    resolve();
    await running;
    expect(made.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test('are closed when the instance is gone, or was not used for long', async () => {
    await instances.use('i1', async () => {});
    declared = undefined;
    await expect(instances.use('i1', async () => {})).rejects.toMatchObject({ type: 'unknown-instance' });
    expect(made[0]?.closed).toBe(true);
    declared = spec();
    await instances.use('i1', async () => {});
    now = 11 * 60_000;
    await instances.use('i2', async () => {});
    expect(made.map(({ closed }) => closed)).toEqual([true, true, false]);
    await instances.close();
    expect(made.every(({ closed }) => closed)).toBe(true);
  });
});
