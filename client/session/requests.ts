import { type FaaSKeeperError, LIMITS, type Operation, type Reply } from '@faaskeeper/protocol';
import { DEFAULTS } from '../defaults.ts';
import type { Clock, Random, Timer } from '../ports.ts';

/** One request of the session. `number` is 0 until it is sent for the first time. */
export interface Request {
  readonly operation: Operation;
  readonly bytes: number;
  readonly traceparent: string | undefined;
  readonly onReply: (reply: Reply) => void;
  /** No answer will come to this client. */
  readonly onAbandoned: (error: FaaSKeeperError) => void;
  number: number;
}

export interface RequestsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Sends one message; false when that is not possible now. */
  readonly send: (
    message: { first: number; lowest: number; operations: Operation[] },
    traceparent: string | undefined,
  ) => boolean;
}

/**
 * The requests of a session: numbers them, packs what is asked for in one turn into one message, keeps them until they
 * are answered, and sends them again, in order, when an answer is late or a gap is reported (invariant 4).
 */
export class Requests {
  readonly #options: RequestsOptions;
  #open = false;
  #next = 1;
  #unsent: Request[] = [];
  /** Sent and not answered, by number, ascending. */
  readonly #sent = new Map<number, Request>();
  #flushing = false;
  #resendTimer: Timer | undefined;
  #resendDelay: number = DEFAULTS.resendFirst;
  #lastResend = Number.NEGATIVE_INFINITY;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  submit(
    operation: Operation,
    onReply: (reply: Reply) => void,
    onAbandoned: (error: FaaSKeeperError) => void,
    traceparent?: string,
  ): Request {
    const bytes = requestBytes(operation);
    const request: Request = { operation, bytes, traceparent, onReply, onAbandoned, number: 0 };
    this.#unsent.push(request);
    this.#flushSoon();
    return request;
  }

  /** Takes back what was not sent; false when it was, and its answer is to be awaited. */
  withdraw(request: Request): boolean {
    const at = request.number === 0 ? this.#unsent.indexOf(request) : -1;
    if (at >= 0) this.#unsent.splice(at, 1);
    return at >= 0;
  }

  /** The session is attached: everything unanswered is sent (again). `next` is what the system expects. */
  resume(next: number): void {
    this.#open = true;
    this.#next = Math.max(this.#next, next);
    this.#resendDelay = DEFAULTS.resendFirst;
    this.#resend(0);
    this.#flushSoon();
  }

  pause(): void {
    this.#open = false;
    this.#resendTimer?.cancel();
    this.#resendTimer = undefined;
  }

  /** Somebody else has used the session, and perhaps our numbers: what was sent is nobody's any more. */
  abandon(next: number, error: FaaSKeeperError): void {
    const abandoned = [...this.#sent.values()];
    this.#sent.clear();
    this.#next = next;
    for (const request of abandoned) request.onAbandoned(error);
  }

  answer(replies: readonly Reply[]): void {
    let lost = false;
    for (const reply of replies) {
      const request = this.#sent.get(reply.number);
      if (request === undefined) continue;
      if (reply.number !== this.#lowest()) lost = true;
      this.#sent.delete(reply.number);
      request.onReply(reply);
    }
    this.#resendDelay = DEFAULTS.resendFirst;
    this.#watchLateness(true);
    // An answer that overtook another means that the other is lost: answers come in order.
    if (lost) this.#resendDamped(0);
    if (this.#unsent.length > 0) this.#flushSoon();
  }

  /** The system misses what comes before a request that it got. */
  gap(from: number): void {
    this.#resendDamped(from);
  }

  #lowest(): number {
    for (const number of this.#sent.keys()) return number;
    return this.#next;
  }

  #flushSoon(): void {
    if (this.#flushing || !this.#open) return;
    this.#flushing = true;
    this.#options.clock.soon(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#open || this.#unsent.length === 0) return;
    const room = this.#lowest() + LIMITS.outstandingRequests - this.#next;
    const requests = this.#unsent.splice(0, Math.max(0, room));
    for (const request of requests) {
      request.number = this.#next++;
      this.#sent.set(request.number, request);
    }
    this.#transmit(requests);
    this.#watchLateness(false);
  }

  #transmit(requests: readonly Request[]): void {
    const lowest = this.#lowest();
    for (let at = 0; at < requests.length; ) {
      const first = (requests[at] as Request).number;
      const operations: Operation[] = [];
      let bytes = 0;
      // A message is part of one trace, that of its first request which has one.
      let traceparent: string | undefined;
      for (; at < requests.length && operations.length < LIMITS.requestsPerMessage; at++) {
        const request = requests[at] as Request;
        if (
          operations.length > 0 &&
          (bytes + request.bytes > LIMITS.requestBytes || request.number !== first + operations.length)
        )
          break;
        bytes += request.bytes;
        traceparent ??= request.traceparent;
        operations.push(request.operation);
      }
      if (!this.#options.send({ first, lowest, operations }, traceparent)) return;
    }
  }

  #resendDamped(from: number): void {
    if (this.#options.clock.now() - this.#lastResend >= DEFAULTS.resendDamping) this.#resend(from);
  }

  #resend(from: number): void {
    if (!this.#open || this.#sent.size === 0) return;
    this.#lastResend = this.#options.clock.now();
    this.#transmit([...this.#sent.values()].filter((request) => request.number >= from));
    this.#watchLateness(true);
  }

  #watchLateness(restart: boolean): void {
    if (this.#resendTimer !== undefined && !restart && this.#sent.size > 0) return;
    this.#resendTimer?.cancel();
    this.#resendTimer = undefined;
    if (!this.#open || this.#sent.size === 0) return;
    const { clock, random } = this.#options;
    this.#resendTimer = clock.timer(this.#resendDelay * (0.75 + random.fraction() / 2), () => {
      this.#resendTimer = undefined;
      this.#resendDelay = Math.min(this.#resendDelay * 2, DEFAULTS.resendMax);
      this.#resend(0);
      this.#watchLateness(false);
    });
  }
}

/** Size of a request in a message, about: data and path count, the rest is small. */
export function requestBytes(operation: Operation): number {
  switch (operation.type) {
    case 'create':
    case 'setData':
      return (
        96 +
        operation.path.length * 3 +
        (operation.data?.length ?? 0) +
        aclBytes(operation.type === 'create' ? operation.acl : [])
      );
    case 'multi':
      return operation.operations.reduce((sum, part) => sum + requestBytes(part), 32);
    case 'setACL':
      return 96 + operation.path.length * 3 + aclBytes(operation.acl);
    case 'addAuth':
      return 64 + operation.auth.length;
    default:
      return 96 + ('path' in operation ? operation.path.length * 3 : 0);
  }
}

function aclBytes(acl: readonly { scheme: string; id: string }[]): number {
  return acl.reduce((sum, entry) => sum + 32 + entry.scheme.length * 3 + entry.id.length * 3, 0);
}

/** Encoded size of what a message carries besides its operations, at most. */
export const ENVELOPE_BYTES = 256;
