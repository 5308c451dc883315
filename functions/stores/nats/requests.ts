import { createInbox, ErrorCode, type Msg, type MsgHdrs, type NatsConnection, NatsError } from 'nats';

interface Waiting {
  readonly resolve: (answer: Msg) => void;
  readonly reject: (error: NatsError) => void;
  readonly timer: NodeJS.Timeout;
}

const NO_RESPONDERS = 503;

/**
 * Requests over one connection, with one subscription for all answers. The library's own make an error with its stack for
 * each request, also where none is thrown: more than all else that an append costs the writer.
 */
class Requests {
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#inbox = inboxOf(connection);
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message);
        else this.#fail(error);
      },
    });
    void connection.closed().then((error) => this.#fail(error ?? new NatsError('closed', ErrorCode.ConnectionClosed)));
  }

  /** @throws NatsError: `TIMEOUT`; `503` when nobody listens; what closed the connection. */
  send(subject: string, payload: Uint8Array | string, timeoutMs: number, headers: MsgHdrs | undefined): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const token = String(++this.#count);
      const timer = setTimeout(() => {
        this.#waiting.delete(token);
        reject(new NatsError(`${subject} was not answered within ${timeoutMs} ms`, ErrorCode.Timeout));
      }, timeoutMs);
      this.#waiting.set(token, { resolve, reject, timer });
      const reply = `${this.#inbox}.${token}`;
      this.#connection.publish(subject, payload, headers === undefined ? { reply } : { reply, headers });
    });
  }

  #answered(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    this.#waiting.delete(token);
    clearTimeout(waiting.timer);
    const hasNobody = message.data.length === 0 && message.headers?.code === NO_RESPONDERS;
    if (hasNobody) waiting.reject(new NatsError(`Nobody listens to the request`, ErrorCode.NoResponders));
    else waiting.resolve(message);
  }

  #fail(error: Error): void {
    const failure = error instanceof NatsError ? error : new NatsError(error.message, ErrorCode.Unknown, error);
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(failure);
    }
    this.#waiting.clear();
  }
}

const KNOWN = new WeakMap<NatsConnection, Requests>();

/** @throws NatsError: `TIMEOUT`; `503` when nobody listens; `CONNECTION_CLOSED`. */
export async function natsRequest(
  connection: NatsConnection,
  subject: string,
  payload: Uint8Array | string,
  options: { readonly timeoutMs: number; readonly headers?: MsgHdrs | undefined },
): Promise<Msg> {
  if (connection.isClosed()) throw new NatsError('The connection is closed', ErrorCode.ConnectionClosed);
  let requests = KNOWN.get(connection);
  if (requests === undefined) {
    requests = new Requests(connection);
    KNOWN.set(connection, requests);
  }
  return await requests.send(subject, payload, options.timeoutMs, options.headers);
}

/** A subject for answers, below the prefix that the connection may listen to. */
export function inboxOf(connection: NatsConnection): string {
  return createInbox((connection as { options?: { inboxPrefix?: string } }).options?.inboxPrefix);
}
