import type { Delivery } from '../../core/ports.ts';

export interface Waiting extends Delivery {
  /** Where its acknowledgement goes; undefined: it is in no stream. */
  readonly reply: string | undefined;
}

type HandedOut = Pick<Waiting, 'sequence' | 'reply'>;

/** What a lane has got and not handed out yet, and what was handed out and is not acknowledged; both in order. */
export class LaneBuffer {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #handedOut: HandedOut[] = [];
  #wake: (() => void) | undefined;

  get length(): number {
    return this.#waiting.length;
  }

  /** Of the payloads that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing waits, nothing is with a function. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#handedOut.length === 0;
  }

  put(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#bytes += waiting.payload.length;
    this.notify();
  }

  /** Resolves when something was put, or `notify` was called; rejects with the signal's reason. */
  async arrival(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    this.#wake = resolve;
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Whoever waits for an arrival looks again. */
  notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** It came again after it was handed out. */
  again(message: HandedOut): void {
    this.#handedOut.push(message);
  }

  /** All that fits the bounds, at least one if there is one. */
  take(bounds: { messages: number; bytes: number }): Delivery[] {
    let count = 0;
    let bytes = 0;
    for (const { payload } of this.#waiting) {
      if (count > 0 && (count >= bounds.messages || bytes + payload.length > bounds.bytes)) break;
      count++;
      bytes += payload.length;
    }
    const taken = this.#waiting.splice(0, count);
    this.#bytes -= bytes;
    for (const { sequence, reply } of taken) this.#handedOut.push({ sequence, reply });
    return taken.map(deliveryOf);
  }

  /** What was handed out up to this sequence is done; where its acknowledgements go. */
  acknowledge(sequence: number): string[] {
    let count = 0;
    while ((this.#handedOut[count]?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) count++;
    return this.#handedOut.splice(0, count).flatMap(({ reply }) => (reply === undefined ? [] : [reply]));
  }

  /** Forgets what waits; what is handed out stays. */
  drop(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  /** What was handed out cannot be acknowledged any more. */
  disown(): void {
    this.#handedOut = [];
  }
}

function deliveryOf({ sequence, subject, payload, origin }: Waiting): Delivery {
  return origin === undefined ? { sequence, subject, payload } : { sequence, subject, payload, origin };
}
