import type { Operation, Reply } from '@faaskeeper/protocol';
import type { Request, Requests } from '../session/requests.ts';
import { BEHIND_OTHERS, type Obstacle, PendingCall } from './call.ts';
import type { Call } from './order.ts';

export interface WriteCallOptions<T> {
  /** `read`: asks the writer without changing anything; keeps a read's place among the calls. */
  readonly kind: 'read' | 'write';
  readonly operation: Operation;
  /** The trace that the request is part of. */
  readonly traceparent: string | undefined;
  readonly requests: Requests;
  /** The answer is there; called once, also when the caller has given up. */
  readonly onReply: (reply: Reply) => void;
  /** No answer will come: it was never sent, or somebody else has used the session. */
  readonly onUnanswered: () => void;
  /** May this answer be shown yet? */
  readonly mayShow: (reply: Reply) => boolean;
  /** Makes the result; may throw the call's error. */
  readonly finish: (reply: Reply) => T;
  readonly onOver: () => void;
}

/** A call that goes through the writer. Once sent it happens, whether its caller waits or not. */
export class WriteCall<T> extends PendingCall<T> implements Call {
  readonly kind: 'read' | 'write';
  readonly #options: WriteCallOptions<T>;
  #request: Request | undefined;
  #reply: Reply | undefined;

  constructor(options: WriteCallOptions<T>) {
    super();
    this.#options = options;
    this.kind = options.kind;
  }

  start(): void {
    const { requests, operation, traceparent, onReply, onUnanswered } = this.#options;
    this.#request = requests.submit(
      operation,
      (reply) => {
        this.#reply = reply;
        onReply(reply);
      },
      (error) => {
        this.fail(error);
        onUnanswered();
      },
      traceparent,
    );
  }

  deliver(): boolean {
    const reply = this.#reply;
    if (reply === undefined || !this.#options.mayShow(reply)) return false;
    try {
      this.result.resolve(this.#options.finish(reply));
    } catch (error) {
      this.result.reject(error);
    }
    this.onOver();
    return true;
  }

  protected get obstacle(): Obstacle {
    if (this.#request === undefined) return BEHIND_OTHERS;
    if (this.#reply === undefined) return { what: 'the writer has not answered' };
    if (this.#options.mayShow(this.#reply)) return BEHIND_OTHERS;
    return { what: `zxid ${this.#reply.zxid} is done, but not visible yet` };
  }

  protected onOver(): void {
    this.#options.onOver();
    const request = this.#request;
    if (this.#reply === undefined && request !== undefined && this.#options.requests.withdraw(request)) {
      this.#options.onUnanswered();
    }
  }
}
