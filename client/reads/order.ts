/**
 * A session's calls in the order in which they were made (ZooKeeper's FIFO): a read starts when all writes before it
 * are answered, so it sees them; a write starts when all reads before it are delivered, so none of them sees it;
 * results are delivered in order. Writes in a row are pipelined and reads in a row run in parallel.
 */
export interface Call {
  readonly kind: 'read' | 'write';
  /** The caller does not wait any more: aborted, timed out, session over. */
  readonly over: boolean;
  start(): void;
  /** Hands the result over if it is there and may be seen by now; false: ask again later. */
  deliver(): boolean;
}

export class Order {
  #calls: Call[] = [];
  /** Calls before this index are delivered, and forgotten now and then. */
  #head = 0;
  #next = 0;
  #unansweredWrites = 0;
  #undeliveredReads = 0;
  #busy = false;

  /** Nothing is outstanding: a cached read may be answered at once. */
  get idle(): boolean {
    return this.#calls.length === 0 && this.#unansweredWrites === 0;
  }

  /** Writes that are under way. */
  get unanswered(): number {
    return this.#unansweredWrites;
  }

  get waiting(): number {
    return this.#calls.length - this.#head;
  }

  add(call: Call): void {
    this.#calls.push(call);
    this.advance();
  }

  /** Each started write says once that its answer is there, or will never be. */
  answered(): void {
    this.#unansweredWrites--;
    this.advance();
  }

  /** Delivers and starts what can be; to be called whenever something changed. */
  advance(): void {
    if (this.#busy) return;
    this.#busy = true;
    try {
      let before: number;
      do {
        before = this.#head + this.#next;
        this.#start();
        this.#deliver();
      } while (this.#head + this.#next !== before);
    } finally {
      this.#busy = false;
    }
  }

  #start(): void {
    for (; this.#next < this.#calls.length; this.#next++) {
      const call = this.#calls[this.#next] as Call;
      if (call.over) {
        // Never started: it leaves no trace.
        this.#calls[this.#next] = NEVER_STARTED;
        continue;
      }
      if (call.kind === 'write' ? this.#undeliveredReads > 0 : this.#unansweredWrites > 0) return;
      if (call.kind === 'write') this.#unansweredWrites++;
      else this.#undeliveredReads++;
      call.start();
    }
  }

  #deliver(): void {
    for (; this.#head < this.#next; this.#head++) {
      const call = this.#calls[this.#head] as Call;
      if (!call.over && !call.deliver()) break;
      if (call.kind === 'read' && call !== NEVER_STARTED) this.#undeliveredReads--;
    }
    if (this.#head === this.#calls.length) this.#calls = [];
    else if (this.#head > 1_024) this.#calls = this.#calls.slice(this.#head);
    else return;
    this.#next -= this.#head;
    this.#head = 0;
  }
}

const NEVER_STARTED: Call = { kind: 'read', over: true, start: () => undefined, deliver: () => true };
