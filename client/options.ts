import type { ClientTracer } from './tracing.ts';
import type { NatsOptions } from './transport/nats.ts';
import type { RedisOptions } from './transport/redis.ts';
import type { S3Options } from './transport/s3.ts';

/** How to reach an instance, and how to behave there. What is left out comes from the service binding (see fromBinding). */
export interface ConnectOptions {
  /** Id of the instance. */
  readonly instance?: string | undefined;
  readonly nats?: NatsOptions | undefined;
  readonly s3?: S3Options | undefined;
  /** Of an instance with Hybrid user storage, which has its nodes there. */
  readonly redis?: RedisOptions | undefined;
  /** Directory of a service binding; default: see fromBinding. */
  readonly binding?: string | undefined;
  /** Wanted session timeout, ms; the system clamps it. Default 10,000. */
  readonly sessionTimeout?: number | undefined;
  /** Attaches to this session instead of opening a new one. */
  readonly session?: { readonly id: number; readonly password: Uint8Array } | undefined;
  /** All paths are below this one; it must exist. Default: none. */
  readonly chroot?: string | undefined;
  /** The near-cache, on by default with 32 MiB. */
  readonly cache?: false | { readonly bytes?: number | undefined } | undefined;
  /** ms until a call without a timeout of its own fails. Default 30,000; Infinity: never. */
  readonly requestTimeout?: number | undefined;
  /** ms until connecting fails. Default 60,000: functions may have to start first. */
  readonly connectTimeout?: number | undefined;
  /**
   * A tracer of OpenTelemetry: each write becomes a span, and those of the system that serve it its children. Default:
   * none.
   */
  readonly tracer?: ClientTracer | undefined;
  /** Aborts connecting. */
  readonly signal?: AbortSignal | undefined;
}

/** What a service binding tells. */
export interface Binding {
  readonly instance: string;
  readonly nats: NatsOptions;
  readonly s3: S3Options;
  /** Hybrid user storage; without, all of it is in S3. */
  readonly redis?: RedisOptions | undefined;
}
