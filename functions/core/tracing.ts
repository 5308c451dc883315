/**
 * Traces of what a write passes through, one more seam of the core: absent unless somebody asked for traces, and then
 * nothing of it costs anything. Times are ms since 1970.
 */

export type TraceAttributes = Readonly<Record<string, string | number>>;

/** What a batch is about: the traces that its messages come from, as W3C traceparents. */
export interface SpanOrigin {
  /** The span is below the first, and linked to the others; without any it begins a trace. */
  readonly parents: readonly (string | undefined)[];
  readonly kind?: 'consumer' | 'server';
  /** When it began, if that was before now. */
  readonly begunAt?: number;
  readonly attributes?: TraceAttributes;
}

export interface Tracing {
  /** Runs the work as a stage of the span around it; without one around it, just runs it. */
  stage<T>(name: string, work: () => T, options?: { kind?: 'client'; attributes?: TraceAttributes }): T;
  /** Runs the work as a span that comes from elsewhere. */
  span<T>(name: string, origin: SpanOrigin, work: () => T): T;
  /** A stage of the span around it that has begun before, and is over now. */
  past(name: string, begunAt: number): void;
  /** The span around it as a W3C traceparent, for whoever goes on with it elsewhere; undefined: none that is kept. */
  current(): string | undefined;
}

export function stage<T>(tracing: Tracing | undefined, name: string, work: () => T): T {
  return tracing === undefined ? work() : tracing.stage(name, work);
}

/** The time from when the oldest message was stored, and the work, as one span. */
export function delivery<T>(
  tracing: Tracing | undefined,
  name: string,
  batch: readonly { readonly origin?: { readonly storedAt: number; readonly traceparent?: string } }[],
  work: () => T,
): T {
  const origins = batch.flatMap(({ origin }) => (origin === undefined ? [] : [origin]));
  if (tracing === undefined || origins.length === 0) return work();
  const begunAt = Math.min(...origins.map(({ storedAt }) => storedAt));
  const parents = [...new Set(origins.map(({ traceparent }) => traceparent))];
  return tracing.span(
    name,
    { parents, kind: 'consumer', begunAt, attributes: { 'messaging.batch.message_count': batch.length } },
    () => {
      tracing.past('queue', begunAt);
      return work();
    },
  );
}
