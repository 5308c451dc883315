import type { SimProcess } from './process.ts';
import type { Planned } from './scheduler.ts';

/** What one server and the way to it are like at the moment; the nemesis changes it. Times are ms. */
export interface Weather {
  /** Mean of the way in one direction. */
  delayMs: number;
  /** Chance that one message takes up to `slowMs`. */
  slow: number;
  slowMs: number;
  /** Chance that a call is lost on its way, that its answer is, that it arrives after its caller has given up. */
  lostRequest: number;
  lostAnswer: number;
  late: number;
  /** The server answers nobody. */
  down: boolean;
  /** What a scenario does to single calls, by their label: so much later (ms), or never. */
  hold?: (label: string, process: SimProcess) => number;
  refuse?: (label: string, process: SimProcess) => boolean;
}

export const FAIR: Weather = {
  delayMs: 0.5,
  slow: 0,
  slowMs: 0,
  lostRequest: 0,
  lostAnswer: 0,
  late: 0,
  down: false,
};

/** A server did not answer: what it was asked for may have happened, or may yet happen. */
export class OutageError extends Error {
  override name = 'OutageError';
}

export interface LinkOptions {
  readonly name: string;
  readonly weather: Weather;
  /** One connection: nothing overtakes anything. */
  readonly ordered: boolean;
  /** A call without an answer fails after so long. */
  readonly timeoutMs: number;
}

/** How much longer than its caller's patience a late request is on its way, ms: what is swept must live longer. */
const LATEST_MS = 4_000;

/** The way of one process to one server and back. */
export class Link {
  readonly process: SimProcess;
  readonly #options: LinkOptions;
  /** No message gets through: a partition. */
  cut = false;
  #up = 0;
  #down = 0;
  /** What would arrive later than this was lost with the process or the connection. */
  #lostAfter = Number.POSITIVE_INFINITY;
  #connection = 0;

  constructor(process: SimProcess, options: LinkOptions) {
    this.process = process;
    this.#options = options;
    process.onDeath(() => {
      // Some of what was sent is on the wire and arrives, the rest never left.
      this.#lostAfter = process.scheduler.now + process.chance.around(options.weather.delayMs);
    });
  }

  get weather(): Weather {
    return this.#options.weather;
  }

  /** Everything on its way is lost, in both directions. */
  break(): void {
    this.#connection++;
    this.#up = 0;
    this.#down = 0;
  }

  /** One way, to the server. `onLost`: it did not get through, and the connection stands. */
  send(label: string, run: () => void, onLost: () => void = () => undefined): void {
    const connection = this.#connection;
    if (this.#isCut()) {
      onLost();
      return;
    }
    this.process.scheduler.at(this.#arrival('up'), label, () => {
      if (connection !== this.#connection) return;
      if (this.#arrives()) run();
      else onLost();
    });
  }

  /** One way, to the process. */
  push(label: string, run: () => void): void {
    const connection = this.#connection;
    if (this.#isCut()) return;
    this.process.deliver(this.#arrival('down'), label, () => {
      if (connection === this.#connection) run();
    });
  }

  /** A call; `work` happens at the server, at once. Rejects with OutageError, or with what `work` throws. */
  call<T>(label: string, work: () => T, signal?: AbortSignal): Promise<T> {
    const { process } = this;
    const { scheduler, chance } = process;
    const { weather, timeoutMs, ordered } = this.#options;
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      let over = false;
      let patience: Planned | undefined;
      const end = (finish: () => void) => {
        if (over) return;
        over = true;
        patience?.cancel();
        signal?.removeEventListener('abort', onAbort);
        finish();
      };
      const onAbort = () => end(() => reject(signal?.reason));
      signal?.addEventListener('abort', onAbort, { once: true });
      const giveUp = () => end(() => reject(new OutageError(`${this.#options.name} did not answer: ${label}`)));
      patience = process.after(timeoutMs, 'timeout', giveUp);
      const connection = this.#connection;
      const isLost = chance.happens(weather.lostRequest) || weather.refuse?.(label, process) === true;
      const isLate = chance.happens(weather.late);
      const noAnswer = isLate || chance.happens(weather.lostAnswer);
      if (isLost || this.#isCut()) {
        // Refused at once, or silence.
        if (chance.happens(0.5)) process.after(chance.around(weather.delayMs), 'refused', giveUp);
        return;
      }
      const heldMs = weather.hold?.(label, process) ?? 0;
      const at = heldMs + (isLate ? scheduler.now + timeoutMs + chance.fraction() * LATEST_MS : this.#arrival('up'));
      if (isLate) process.note(`late: ${label}`);
      scheduler.at(at, label, () => {
        // What a server has read it does, whatever becomes of the connection.
        if ((ordered && !isLate && connection !== this.#connection) || !this.#arrives()) return;
        const answer = attempt(work);
        if (noAnswer) {
          if (!isLate && chance.happens(0.5)) process.after(this.#delay(), 'reset', giveUp);
          return;
        }
        process.deliver(this.#arrival('down'), 'answer', () => {
          if (ordered && connection !== this.#connection) return;
          end(() => ('error' in answer ? reject(answer.error) : resolve(answer.value)));
        });
      });
    });
  }

  #isCut(): boolean {
    return this.cut || this.#options.weather.down;
  }

  #arrives(): boolean {
    return !this.#isCut() && this.process.scheduler.now <= this.#lostAfter;
  }

  #delay(): number {
    const { weather } = this.#options;
    const { chance } = this.process;
    return chance.happens(weather.slow) ? chance.fraction() * weather.slowMs : chance.around(weather.delayMs);
  }

  #arrival(direction: 'up' | 'down'): number {
    const at = this.process.scheduler.now + this.#delay();
    if (!this.#options.ordered) return at;
    const last = direction === 'up' ? this.#up : this.#down;
    const arrival = Math.max(at, last + 0.000_1);
    if (direction === 'up') this.#up = arrival;
    else this.#down = arrival;
    return arrival;
  }
}

function attempt<T>(work: () => T): { value: T } | { error: unknown } {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}
