import { AlwaysOffSampler, AlwaysOnSampler, SamplingDecision } from '@opentelemetry/sdk-trace';
import { delivery, stage, type Tracing } from '../../../functions/core/tracing.ts';
import { WallClock } from '../../../functions/tracing/clock.ts';
import { openTracing, tracingWanted } from '../../../functions/tracing/index.ts';
import { samplerOf, startTracing } from '../../../functions/tracing/otlp.ts';
import { formatTraceparent, parseTraceparent } from '../../../functions/tracing/traceparent.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';
const parent = `00-${traceId}-${spanId}-01`;

/** A tracing whose spans go nowhere. */
async function tracing(work: (tracing: Tracing) => void | Promise<void>): Promise<void> {
  const open = startTracing('test', { OTEL_TRACES_SAMPLER: 'parentbased_always_off' });
  await work(open.tracing);
  await open.close();
}

test('traces are wanted where an endpoint is named, unless they are switched off', async () => {
  expect(tracingWanted({})).toBe(false);
  expect(tracingWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' })).toBe(true);
  expect(tracingWanted({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' })).toBe(true);
  expect(tracingWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_SDK_DISABLED: 'true' })).toBe(false);
  expect(tracingWanted({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_TRACES_EXPORTER: 'none' })).toBe(false);
  expect(await openTracing('writer', {})).toBeUndefined();
});

test('a traceparent is read and written as W3C says, and nothing else is taken for one', () => {
  const context = parseTraceparent(parent);
  expect(context && formatTraceparent(context)).toBe(parent);
  const wrong = [
    undefined,
    '',
    'x',
    `01-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `${parent}-more`,
  ];
  expect(wrong.map(parseTraceparent)).toEqual(wrong.map(() => undefined));
});

test('the sampler is the one of the standard variables', () => {
  expect(samplerOf({ OTEL_TRACES_SAMPLER: 'always_on' })).toBeInstanceOf(AlwaysOnSampler);
  expect(samplerOf({ OTEL_TRACES_SAMPLER: 'always_off' })).toBeInstanceOf(AlwaysOffSampler);
  const none = samplerOf({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' });
  expect(none.shouldSample({} as never, traceId, 'x', 0, {}, []).decision).toBe(SamplingDecision.NOT_RECORD);
});

test('what is around a stage is known in it, over awaits, also of a trace that is not kept', async () => {
  await tracing(async (tracing) => {
    expect(tracing.current()).toBeUndefined();
    await tracing.span('batch', { parents: [`00-${traceId}-${spanId}-00`] }, async () => {
      await Promise.resolve();
      const outer = tracing.current();
      expect(outer).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
      await tracing.stage('stage', async () => expect(tracing.current()).not.toBe(outer));
      expect(tracing.current()).toBe(outer);
    });
    tracing.span('batch', { parents: [undefined] }, () => expect(tracing.current()).toMatch(/-00$/));
    expect(tracing.stage('alone', () => tracing.current())).toBeUndefined();
  });
});

test('work that fails fails the same way when it is traced', async () => {
  await tracing(async (tracing) => {
    const failure = new Error('no');
    const late = () => tracing.span('batch', { parents: [] }, () => Promise.reject(failure));
    await expect(late()).rejects.toBe(failure);
    const atOnce = () =>
      tracing.span('batch', { parents: [] }, () => {
        throw failure;
      });
    expect(atOnce).toThrow(failure);
  });
});

test('without tracing the work is just done', () => {
  expect(stage(undefined, 'append', () => 7)).toBe(7);
  expect(delivery(undefined, 'batch', [{ origin: { storedAt: 1 } }], () => 7)).toBe(7);
});

test('the clock of spans tells parts of a ms, and follows the time of day', () => {
  const clock = new WallClock();
  for (let i = 0; i < 100; i++) clock.now();
  const before = Date.now();
  const now = clock.now();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now() + 1);
  const real = Date.now;
  try {
    Date.now = () => real() + 60_000;
    expect(clock.now() - now).toBeGreaterThan(59_000);
  } finally {
    Date.now = real;
  }
});
