import { subjects } from '@faaskeeper/protocol';
import type { NatsConnection } from 'nats';
import { API_ERROR, apiErrorCode, jetStreamRequest } from './jetstream-api.ts';

/** What a lane delivers: requests, LOG entries, or the changes for one registered sink. */
export type LaneInput = 'request' | 'log' | { readonly sink: string };

export interface LaneConsumer {
  readonly name: string;
  /** Everything up to this stream sequence is acknowledged. */
  readonly floor: number;
}

const NAME_PREFIX = 'lane-';
/**
 * Deliveries again while a function still works on the first would be out of order: the lane itself asks for them by a
 * new consumer when it must. A day stands for never.
 */
const ACK_WAIT_NS = 24 * 3_600 * 1_000_000_000;
/** More than a lane prefetches and hands out together. */
const MAX_UNACKNOWLEDGED = 16_384;

interface ConsumerPage {
  readonly total: number;
  readonly consumers: readonly {
    readonly name: string;
    readonly config: { readonly filter_subject?: string };
    readonly ack_floor: { readonly stream_seq: number };
  }[];
}

/** Consumers of this lane, ours or another owner's. */
export async function laneConsumers(
  connection: NatsConnection,
  stream: string,
  input: LaneInput,
  instance: string,
): Promise<LaneConsumer[]> {
  const filter = filterOf(input, instance);
  const found: LaneConsumer[] = [];
  for (let offset = 0; ; ) {
    const page = await jetStreamRequest<ConsumerPage>(
      connection,
      `$JS.API.CONSUMER.LIST.${stream}`,
      JSON.stringify({ offset }),
    );
    for (const { name, config, ack_floor } of page.consumers ?? []) {
      if (name.startsWith(NAME_PREFIX) && config.filter_subject === filter)
        found.push({ name, floor: ack_floor.stream_seq });
    }
    offset += page.consumers?.length ?? 0;
    if (offset >= page.total || (page.consumers?.length ?? 0) === 0) return found;
  }
}

/**
 * In memory: its position is no more than a hint (REQ and SINK drop what is acknowledged, the distributor knows what
 * LOG entries it has), and writing it to disk would compete with LOG's own fsync.
 */
export async function createLaneConsumer(
  connection: NatsConnection,
  stream: string,
  input: LaneInput,
  instance: string,
  name: string,
  floor: number,
): Promise<void> {
  const filter = filterOf(input, instance);
  const config = {
    name,
    durable_name: name,
    ...(filter === undefined ? {} : { filter_subject: filter }),
    ...(input === 'log' && floor > 0
      ? { deliver_policy: 'by_start_sequence', opt_start_seq: floor + 1 }
      : { deliver_policy: 'all' }),
    ack_policy: input === 'log' ? 'all' : 'explicit',
    ack_wait: ACK_WAIT_NS,
    max_ack_pending: MAX_UNACKNOWLEDGED,
    mem_storage: true,
    // As many as the stream has.
    num_replicas: 0,
  };
  const subject = `$JS.API.CONSUMER.CREATE.${stream}.${name}${filter === undefined ? '' : `.${filter}`}`;
  await jetStreamRequest(connection, subject, JSON.stringify({ stream_name: stream, config, action: 'create' }));
}

/** A missing consumer is fine. */
export async function deleteConsumer(connection: NatsConnection, stream: string, name: string): Promise<void> {
  try {
    await jetStreamRequest(connection, `$JS.API.CONSUMER.DELETE.${stream}.${name}`, '');
  } catch (error) {
    const code = apiErrorCode(error);
    if (code !== API_ERROR.consumerNotFound && code !== API_ERROR.streamNotFound) throw error;
  }
}

function filterOf(input: LaneInput, instance: string): string | undefined {
  return typeof input === 'object' ? subjects(instance).sink(input.sink) : undefined;
}
