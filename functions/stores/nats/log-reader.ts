import { randomUUID } from 'node:crypto';
import { LIMITS } from '@faaskeeper/protocol';
import type { NatsConnection } from 'nats';
import type { LogMessage } from '../../core/ports.ts';
import { jetStreamRequest } from './jetstream-api.ts';
import { Puller, type PullStatus } from './puller.ts';

/** What one pull may bring: a connection that lags behind by more is cut off by the server. */
const PULL_BYTES = 2 * LIMITS.payloadBytes;
const PULL_MESSAGES = 1_000;
/** A reader that hears nothing for so long gives up, and its consumer is removed by the server. */
const SILENCE_MS = 5_000;

/** Reads up to `count` messages from `from` on through a consumer of its own. A silent server rejects. */
export async function readByConsumer(
  connection: NatsConnection,
  stream: string,
  from: number,
  count: number,
  signal?: AbortSignal,
): Promise<LogMessage[]> {
  signal?.throwIfAborted();
  const consumer = `read-${randomUUID()}`;
  const config = {
    name: consumer,
    deliver_policy: 'by_start_sequence',
    opt_start_seq: from,
    ack_policy: 'none',
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: SILENCE_MS * 1_000_000,
  };
  await jetStreamRequest(
    connection,
    `$JS.API.CONSUMER.CREATE.${stream}.${consumer}`,
    JSON.stringify({ stream_name: stream, config, action: 'create' }),
  );
  try {
    return await drain(connection, stream, consumer, count, signal);
  } finally {
    connection.publish(`$JS.API.CONSUMER.DELETE.${stream}.${consumer}`);
  }
}

async function drain(
  connection: NatsConnection,
  stream: string,
  consumer: string,
  count: number,
  signal: AbortSignal | undefined,
): Promise<LogMessage[]> {
  const messages: LogMessage[] = [];
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const silence = setTimeout(() => reject(new Error(`${stream}: no message for ${SILENCE_MS} ms`)), SILENCE_MS);
  const abort = () => reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const pullNext = () => {
    const batch = Math.min(PULL_MESSAGES, count - messages.length);
    if (batch <= 0) resolve();
    else puller.pull({ batch, maxBytes: PULL_BYTES });
  };
  let before = 0;
  const puller = new Puller(connection, stream, consumer, {
    message({ sequence, payload }) {
      messages.push({ sequence, payload });
      silence.refresh();
    },
    ended(status) {
      if (status !== undefined && (isFailure(status) || messages.length === before)) {
        if (isFailure(status)) reject(new Error(`${stream}: ${status.code} ${status.description}`));
        else resolve();
        return;
      }
      before = messages.length;
      pullNext();
    },
  });
  try {
    pullNext();
    await done;
    return messages;
  } finally {
    clearTimeout(silence);
    signal?.removeEventListener('abort', abort);
    puller.close();
  }
}

/** 404: no more messages; 408 and 409: the pull is used up (time, bytes). Anything else is no answer. */
function isFailure(status: PullStatus): boolean {
  return status.code !== 404 && status.code !== 408 && status.code !== 409;
}
