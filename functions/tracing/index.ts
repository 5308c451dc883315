/** Traces over OTLP, off unless the environment names an endpoint (the standard variables of OpenTelemetry). */
import type { Tracing } from '../core/tracing.ts';

export interface OpenTracing {
  readonly tracing: Tracing;
  /** Sends what is left. */
  close(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** For --help. */
export const TRACING_HELP: readonly (readonly [name: string, text: string])[] = [
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTLP/HTTP collector that traces go to (default: no traces)'],
  ['OTEL_TRACES_SAMPLER', 'which of them, with OTEL_TRACES_SAMPLER_ARG (default parentbased_always_on)'],
];

export function tracingWanted(environment: Environment): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = environment;
  if (environment.OTEL_SDK_DISABLED === 'true' || environment.OTEL_TRACES_EXPORTER === 'none') return false;
  return (endpoint ?? '') !== '' || (own ?? '') !== '';
}

/** undefined, and nothing loaded, where no traces are wanted. */
export async function openTracing(program: string, environment: Environment): Promise<OpenTracing | undefined> {
  if (!tracingWanted(environment)) return undefined;
  const { startTracing } = await import('./otlp.ts');
  return startTracing(program, environment);
}
