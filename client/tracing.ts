/** A span of OpenTelemetry, as far as it is used here. */
export interface ClientSpan {
  spanContext(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number };
  recordException(error: Error): void;
  setStatus(status: { code: 2 }): unknown;
  end(): void;
}

/** A tracer of OpenTelemetry, as `trace.getTracer(name)` of @opentelemetry/api gives one. */
export interface ClientTracer {
  startSpan(
    name: string,
    options: { readonly kind: 2; readonly attributes: Readonly<Record<string, string>> },
  ): ClientSpan;
}

/** Runs a call as a span; `call` gets the W3C traceparent that goes with its request. */
export function traced<T>(
  tracer: ClientTracer | undefined,
  operation: { readonly type: string; readonly path?: string | undefined },
  call: (traceparent?: string) => Promise<T>,
): Promise<T> {
  if (tracer === undefined) return call();
  const attributes = operation.path === undefined ? {} : { 'faaskeeper.path': operation.path };
  const span = tracer.startSpan(operation.type, { kind: 2, attributes });
  const { traceId, spanId, traceFlags } = span.spanContext();
  const result = call(`00-${traceId}-${spanId}-${(traceFlags & 1).toString(16).padStart(2, '0')}`);
  result.then(
    () => span.end(),
    (error: Error) => {
      span.recordException(error);
      span.setStatus({ code: 2 });
      span.end();
    },
  );
  return result;
}
