import { LIMITS, subjects } from '@faaskeeper/protocol';
import type { NatsConnection } from 'nats';
import { API_ERROR, apiErrorCode, jetStreamRequest } from './jetstream-api.ts';

export type StreamKind = 'request' | 'log' | 'sink' | 'dead';

/** What streams depend on. */
export interface StreamSpec {
  readonly id: string;
  readonly logReplicas: number;
  /** Sequence that a new LOG begins with; default 1. One that is there keeps its own. */
  readonly logFirst?: number;
}

const SECOND_NS = 1_000_000_000;
const MIB = 1024 * 1024;

/**
 * Bounds of the streams. JetStream sets `max_bytes` aside when a stream is made, so many instances must fit the
 * server's limits with them. LOG has no bound of its own: the writer keeps it close to the watermark, and a full disk
 * refuses appends.
 */
const BOUNDS = {
  requestAgeNs: 60 * SECOND_NS,
  requestBytes: 32 * MIB,
  sinkBytes: 256 * MIB,
  deadAgeNs: 7 * 24 * 3_600 * SECOND_NS,
  deadBytes: 64 * MIB,
  /** Repetitions of what is stored with an id are dropped within it. */
  storeWindowNs: 120 * SECOND_NS,
  /** The smallest that JetStream takes: nothing in LOG or REQ relies on it. */
  minWindowNs: SECOND_NS / 10,
} as const;

type StreamConfig = Record<string, unknown> & { readonly name: string };

function streamConfig(spec: StreamSpec, kind: StreamKind): StreamConfig {
  const named = subjects(spec.id);
  const common = {
    name: named.streams[kind],
    discard: 'new',
    max_consumers: -1,
    max_msgs: -1,
    max_msg_size: LIMITS.payloadBytes,
    allow_direct: false,
    allow_rollup_hdrs: false,
  };
  switch (kind) {
    case 'request':
      return {
        ...common,
        subjects: [named.requests, named.systemRequest],
        storage: 'memory',
        retention: 'workqueue',
        // NATS does not check reply subjects: a PubAck would go wherever a client says (invariant 13).
        no_ack: true,
        // A node that is lost would take writes with it for as long as it stays away.
        num_replicas: spec.logReplicas,
        max_age: BOUNDS.requestAgeNs,
        max_bytes: BOUNDS.requestBytes,
        duplicate_window: BOUNDS.minWindowNs,
      };
    case 'log':
      return {
        ...common,
        subjects: [named.log],
        storage: 'file',
        retention: 'limits',
        num_replicas: spec.logReplicas,
        max_age: 0,
        max_bytes: -1,
        duplicate_window: BOUNDS.minWindowNs,
        ...(spec.logFirst === undefined ? {} : { first_seq: spec.logFirst }),
      };
    case 'sink':
      return {
        ...common,
        subjects: [named.sinks],
        storage: 'file',
        retention: 'workqueue',
        num_replicas: spec.logReplicas,
        max_age: 0,
        max_bytes: BOUNDS.sinkBytes,
        duplicate_window: BOUNDS.storeWindowNs,
      };
    case 'dead':
      return {
        ...common,
        subjects: [named.deads],
        storage: 'file',
        retention: 'limits',
        // The newest dead letters are the ones that somebody looks for.
        discard: 'old',
        num_replicas: spec.logReplicas,
        max_age: BOUNDS.deadAgeNs,
        max_bytes: BOUNDS.deadBytes,
        duplicate_window: BOUNDS.storeWindowNs,
      };
  }
}

/** Creates the stream, or changes it to what it should be. May be repeated. */
export async function declareStream(connection: NatsConnection, spec: StreamSpec, kind: StreamKind): Promise<void> {
  const config = streamConfig(spec, kind);
  try {
    await jetStreamRequest(connection, `$JS.API.STREAM.CREATE.${config.name}`, JSON.stringify(config));
  } catch (error) {
    if (apiErrorCode(error) !== API_ERROR.streamNameInUse) throw error;
    await jetStreamRequest(connection, `$JS.API.STREAM.UPDATE.${config.name}`, JSON.stringify(config));
  }
}

/** Removes the stream and all that is in it; a missing one is fine. */
export async function removeStream(connection: NatsConnection, instance: string, kind: StreamKind): Promise<void> {
  try {
    await jetStreamRequest(connection, `$JS.API.STREAM.DELETE.${subjects(instance).streams[kind]}`, '');
  } catch (error) {
    if (apiErrorCode(error) !== API_ERROR.streamNotFound) throw error;
  }
}

export interface StreamState {
  readonly messages: number;
  /** Last sequence ever given. */
  readonly last: number;
}

/** What a stream holds, possibly stale; undefined: it is not there. */
export async function streamState(connection: NatsConnection, stream: string): Promise<StreamState | undefined> {
  try {
    const { state } = await jetStreamRequest<{ state: { messages: number; last_seq: number } }>(
      connection,
      `$JS.API.STREAM.INFO.${stream}`,
      '',
    );
    return { messages: state.messages, last: state.last_seq };
  } catch (error) {
    if (apiErrorCode(error) === API_ERROR.streamNotFound) return undefined;
    throw error;
  }
}

/** Whether the instance has such a stream. */
export async function streamExists(connection: NatsConnection, instance: string, kind: StreamKind): Promise<boolean> {
  return (await streamState(connection, subjects(instance).streams[kind])) !== undefined;
}
