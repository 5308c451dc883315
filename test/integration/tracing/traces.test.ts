import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { waitFor } from '../../../operator/servers/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { functionsDir } from '../../support/functions.ts';
import { type CollectedSpan, type Collector, startCollector } from '../../support/otlp.ts';
import { type PrivateServers, privateServers } from '../../support/servers.ts';

let collector: Collector;
let servers: PrivateServers;
let faaskeeper: TestFaaSKeeper;
let sink: Server;
const heard: (string | undefined)[] = [];

beforeAll(async () => {
  sink = createServer((request, response) => {
    heard.push(request.headers['ce-traceparent']?.toString());
    request.resume();
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  collector = await startCollector();
  // The processes inherit them.
  Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: '50' });
  servers = await privateServers();
  faaskeeper = await startFaaSKeeper({ servers: servers.addresses });
}, 90_000);

afterAll(async () => {
  await faaskeeper?.stop();
  await servers?.stop();
  await collector?.[Symbol.asyncDispose]();
  sink?.close();
});

/** Names from the first span of a trace down to this one. */
function line(spans: readonly CollectedSpan[], last: CollectedSpan): string[] {
  const above = spans.find(({ spanId }) => spanId === last.parentSpanId);
  return [
    ...(above === undefined ? [] : line(spans, above)),
    `${last.service.replace('faaskeeper-', '')}/${last.name}`,
  ];
}

test('one trace leads from the caller of a write to the sink that hears of it', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const client = await faaskeeper.connect({ tracer: provider.getTracer('test') });
  await client.create('/traced');
  const { port } = sink.address() as AddressInfo;
  await client.register('/traced', 'data', `http://127.0.0.1:${port}/`);
  // What comes together is one span of the first's trace: this write is to be alone.
  await client.exists('/traced');
  const called = (call: string) =>
    exporter
      .getFinishedSpans()
      .find(({ name }) => name === call)
      ?.spanContext();
  const registering = called('register')?.traceId;
  const applied = () => {
    const writer = collector.spans.find(({ name, traceId }) => name === 'writer' && traceId === registering);
    const of = ({ parentSpanId = '', links }: CollectedSpan) =>
      [parentSpanId, ...links].includes(writer?.spanId ?? '?');
    return collector.spans.some((span) => span.name === 'apply' && of(span));
  };
  await waitFor(async () => expect(applied()).toBe(true), { timeoutMs: 10_000 });
  await client.setData('/traced', 'new');
  const { traceId, spanId } = called('setData') ?? {};
  const own = () => collector.spans.filter((span) => span.traceId === traceId);
  const committing = ['trigger/request batch', 'trigger/http', 'writer/writer'];
  const distributing = [...committing, 'writer/append', 'trigger/log batch', 'trigger/http', 'distributor/distributor'];
  const delivering = [...distributing, 'distributor/publish', 'trigger/sink batch', 'trigger/http', 'watch/watch'];
  const expected = [
    committing,
    ['trigger/request batch', 'trigger/queue'],
    ...['validate', 'append', 'reply', 'apply'].map((name) => [...committing, `writer/${name}`]),
    distributing,
    ...['objects', 'publish'].map((name) => [...distributing, `distributor/${name}`]),
    [...delivering, 'watch/sink'],
  ];
  // Each process sends its spans in its own time.
  const lines = () => own().map((span) => line(own(), span));
  await waitFor(async () => expect(lines()).toEqual(expect.arrayContaining(expected)), { timeoutMs: 15_000 });
  const spans = own();
  expect(spans.find(({ name }) => name === 'request batch')?.parentSpanId).toBe(spanId);
  const sent = spans.find(({ name }) => name === 'sink');
  expect(heard).toEqual([`00-${traceId}-${sent?.spanId}-01`]);
  for (const { begin, end } of spans) expect(end).toBeGreaterThanOrEqual(begin);
});

test('a write of a caller without traces begins one at the trigger', async () => {
  collector.clear();
  const client = await faaskeeper.connect();
  await client.create('/untraced');
  const begins = () => collector.spans.filter(({ name, links }) => name === 'request batch' && links.length === 0);
  await waitFor(async () => expect(begins().some(({ parentSpanId }) => parentSpanId === undefined)).toBe(true), {
    timeoutMs: 10_000,
  });
});

test('the programs hold nothing of OpenTelemetry: it is loaded when it is asked for', async () => {
  const text = (name: string) => readFile(join(functionsDir(), `${name}.mjs`), 'utf8');
  for (const name of ['writer', 'trigger']) expect(await text(name)).not.toContain('OTLPTraceExporter');
  expect(await text('tracing')).toContain('OTLPTraceExporter');
});
