import type { IncomingHttpHeaders } from 'node:http';
import type { Agent, Dispatcher } from 'undici';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/**
 * One request and its whole answer, without a stream between: that would cost as much as the rest of a small one.
 *
 * @throws what undici says of no answer; the signal's reason.
 */
export function exchange(
  agent: Agent,
  request: Omit<Dispatcher.DispatchOptions, 'headers'> & { readonly headers: Readonly<Record<string, string>> },
  signal?: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const collector = new Collector(resolve, reject, signal);
    agent.dispatch(request as Dispatcher.DispatchOptions, collector);
  });
}

class Collector implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};

  constructor(resolve: (answer: Answer) => void, reject: (error: unknown) => void, signal: AbortSignal | undefined) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal?.aborted) this.#abort();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    // A copy: chunks are parts of what was read from the socket, which whoever keeps one would keep.
    this.#resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#reject(this.#signal?.aborted ? this.#signal.reason : error);
  }

  /** Before the request is on its way there is nothing to break off: the caller is told all the same. */
  readonly #abort = () => {
    const { reason } = this.#signal as AbortSignal;
    this.#controller?.abort(reason instanceof Error ? reason : new Error('The request was given up'));
    this.#reject(reason);
  };
}
