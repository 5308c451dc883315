import { Chance } from './random.ts';

/** Something that will happen. */
export interface Planned {
  cancel(): void;
}

interface Event {
  readonly time: number;
  readonly order: number;
  readonly label: string;
  run: (() => void) | undefined;
}

/** Lines of the trace that are kept: the last ones tell what went wrong. */
const TRACE_LINES = 20_000;

/**
 * Virtual time and the one queue of everything that happens in a simulated world. Between two events all promises run
 * dry, so the order of everything is decided by the queue alone, and by the seed: nothing here asks the machine for
 * time or chance. Times are ms.
 */
export class Scheduler {
  readonly chance: Chance;
  readonly #heap: Event[] = [];
  readonly #trace: string[] = [];
  #now = 0;
  #order = 0;
  #digest = 0;
  #auto = false;
  #pumping = false;
  steps = 0;
  /** The trace names every event as well. */
  isVerbose = false;

  constructor(seed: number) {
    this.chance = new Chance(seed, 'world');
  }

  get now(): number {
    return this.#now;
  }

  /** Tells two histories apart. */
  get digest(): number {
    return this.#digest >>> 0;
  }

  get pending(): number {
    return this.#heap.length;
  }

  after(delay: number, label: string, run: () => void): Planned {
    return this.at(this.#now + Math.max(0, delay), label, run);
  }

  at(time: number, label: string, run: () => void): Planned {
    const event: Event = { time: Math.max(time, this.#now), order: this.#order++, label, run };
    this.#push(event);
    if (this.#auto) this.#pump();
    return {
      cancel: () => {
        event.run = undefined;
      },
    };
  }

  /** Resolves after so much virtual time. For the world's own use: whatever happens to processes, this wakes up. */
  sleep(ms: number, label: string): Promise<void> {
    return new Promise((resolve) => this.after(ms, label, resolve));
  }

  note(who: string, what: string): void {
    this.#mix(who.length * 31 + what.length);
    this.#write(who, what);
  }

  #write(who: string, what: string): void {
    if (this.#trace.length >= 2 * TRACE_LINES) this.#trace.splice(0, TRACE_LINES);
    this.#trace.push(`${this.#now.toFixed(3).padStart(12)}  ${who.padEnd(14)} ${what}`);
  }

  get trace(): readonly string[] {
    return this.#trace;
  }

  /** Runs until `done` says so, time is over, or nothing is left to happen. */
  async run(
    done: () => boolean,
    limits: { until: number; steps: number },
  ): Promise<'done' | 'time' | 'steps' | 'idle'> {
    await drained();
    const last = this.steps + limits.steps;
    for (;;) {
      if (done()) return 'done';
      if (this.steps >= last) return 'steps';
      const next = this.#heap[0];
      if (next === undefined) return 'idle';
      if (next.time > limits.until) {
        this.#now = limits.until;
        return 'time';
      }
      if (this.#step()) await drained();
    }
  }

  /** For contract tests: everything happens as soon as it is planned, without anyone driving. */
  runByItself(): void {
    this.#auto = true;
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    void (async () => {
      for (;;) {
        await drained();
        if (this.#heap.length === 0) break;
        this.#step();
      }
      this.#pumping = false;
    })();
  }

  /** False: the event was cancelled. */
  #step(): boolean {
    const event = this.#pop();
    if (event?.run === undefined) return false;
    this.#now = event.time;
    this.steps++;
    this.#mix(Math.floor(event.time * 1_000) ^ event.label.length ^ (event.label.charCodeAt(0) << 8));
    if (this.isVerbose) this.#write('', event.label);
    event.run();
    return true;
  }

  #mix(value: number): void {
    this.#digest = Math.imul(this.#digest ^ value, 0x01000193) ^ (this.#digest >>> 15);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

/** Drains of one turn of the event loop. */
const TURN = 64;
const waiting: (() => void)[] = [];
let planned = 0;

/**
 * Every promise that could go on has gone on. They run dry between two immediates of one turn of the event loop, too; a
 * turn for each would cost more than most events.
 */
function drained(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (planned === 0) planTurn();
  });
}

function planTurn(): void {
  planned = TURN;
  for (let i = 0; i < TURN; i++) setImmediate(drain);
}

function drain(): void {
  planned--;
  waiting.shift()?.();
  if (planned === 0 && waiting.length > 0) planTurn();
}
