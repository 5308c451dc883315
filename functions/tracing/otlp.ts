/**
 * OpenTelemetry behind the core's seam; loaded only where the environment names an OTLP endpoint. What surrounds a stage
 * is kept by Node's AsyncLocalStorage.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { SpanOrigin, TraceAttributes, Tracing } from '../core/tracing.ts';
import { WallClock } from './clock.ts';
import type { OpenTracing } from './index.ts';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const KINDS = { consumer: SpanKind.CONSUMER, server: SpanKind.SERVER } as const;

/** Spans go to the collector in batches; what it does not take is dropped, never waited for. */
export function startTracing(program: string, environment: Environment): OpenTracing {
  const delay = Number(environment.OTEL_BSP_SCHEDULE_DELAY);
  const provider = new TracerProvider({
    sampler: samplerOf(environment),
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': `faaskeeper-${program}` }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor({
        // Endpoint, headers, certificates, compression and timeout: the exporter reads OTEL_EXPORTER_OTLP_* itself.
        exporter: new OTLPTraceExporter(),
        ...(delay > 0 ? { scheduledDelayMillis: delay } : {}),
      }),
    ],
  });
  return { tracing: new OtlpTracing(provider.getTracer('faaskeeper')), close: () => provider.shutdown() };
}

/** As OTEL_TRACES_SAMPLER says; what its parent decided holds by default. */
export function samplerOf({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument }: Environment): Sampler {
  const ratio = () => new TraceIdRatioBasedSampler(Number(argument ?? 1));
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return ratio();
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: ratio() });
    default:
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
  }
}

class OtlpTracing implements Tracing {
  readonly #tracer: Tracer;
  readonly #around = new AsyncLocalStorage<Span>();
  readonly #clock = new WallClock();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  stage<T>(name: string, work: () => T, options: { kind?: 'client'; attributes?: TraceAttributes } = {}): T {
    const around = this.#around.getStore();
    if (around === undefined) return work();
    const { kind, attributes } = options;
    const own = {
      ...(kind === undefined ? {} : { kind: SpanKind.CLIENT }),
      ...(attributes === undefined ? {} : { attributes }),
    };
    return this.#run(name, own, below(around), work);
  }

  span<T>(name: string, { parents, kind, begunAt, attributes }: SpanOrigin, work: () => T): T {
    const [first, ...others] = parents.map(parseTraceparent).filter((context) => context !== undefined);
    const options = {
      links: others.map((context) => ({ context })),
      ...(kind === undefined ? {} : { kind: KINDS[kind] }),
      ...(attributes === undefined ? {} : { attributes }),
      startTime: this.#notAfterNow(begunAt),
    };
    const context = first === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, first);
    return this.#run(name, options, context, work);
  }

  past(name: string, begunAt: number): void {
    const around = this.#around.getStore();
    if (around === undefined) return;
    const span = this.#tracer.startSpan(name, { startTime: this.#notAfterNow(begunAt) }, below(around));
    span.end(this.#clock.now());
  }

  current(): string | undefined {
    const context = this.#around.getStore()?.spanContext();
    return context === undefined ? undefined : formatTraceparent(context);
  }

  #notAfterNow(time = Number.POSITIVE_INFINITY): number {
    return Math.min(time, this.#clock.now());
  }

  #run<T>(name: string, options: SpanOptions, context: Context, work: () => T): T {
    const span = this.#tracer.startSpan(name, { startTime: this.#clock.now(), ...options }, context);
    const end = () => span.end(this.#clock.now());
    const fail = (error: unknown) => {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      end();
    };
    let result: T;
    try {
      result = this.#around.run(span, work);
    } catch (error) {
      fail(error);
      throw error;
    }
    if (result instanceof Promise) result.then(end, fail);
    else end();
    return result;
  }
}

function below(span: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, span);
}
