import type { Msg, MsgHdrs } from 'nats';
import type { Delivery } from '../../core/ports.ts';
import type { Tracing } from '../../core/tracing.ts';

const HEADER = 'traceparent';
const NANOS_PER_MS = 1_000_000;

/** What is sent is part of the trace around it, if there is one. */
export function setTraceparent(headers: MsgHdrs, tracing: Tracing | undefined): void {
  const current = tracing?.current();
  if (current !== undefined) headers.set(HEADER, current);
}

/** When a message was stored (by the server's clock; now where no stream has it), and by which span it was sent. */
export function originOf({ headers, reply = '' }: Msg): NonNullable<Delivery['origin']> {
  // `$JS.ACK.[domain.account.]stream.consumer.deliveries.sequence.consumerSequence.time.pending[.token]`
  const tokens = reply.split('.');
  const stored = reply.startsWith('$JS.ACK.') ? Number(tokens[tokens.length > 9 ? 9 : 7]) / NANOS_PER_MS : Number.NaN;
  const storedAt = Number.isFinite(stored) ? stored : Date.now();
  const traceparent = headers?.get(HEADER);
  return { storedAt, ...(traceparent ? { traceparent } : {}) };
}
