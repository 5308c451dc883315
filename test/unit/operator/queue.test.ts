import { type Timers, WorkQueue } from '../../../operator/controller/queue.ts';

/** Time that passes when it is told to. */
class ManualTimers implements Timers {
  #now = 0;
  #due: { readonly at: number; readonly run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#due.push(timer);
    return () => {
      this.#due = this.#due.filter((one) => one !== timer);
    };
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms;
    const due = this.#due.filter(({ at }) => at <= this.#now);
    this.#due = this.#due.filter(({ at }) => at > this.#now);
    for (const { run } of due) run();
    await settle();
  }

  get waiting(): number {
    return this.#due.length;
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

function make(process: (key: string) => Promise<number | undefined>, workers = 2) {
  const timers = new ManualTimers();
  const errors: number[] = [];
  const onError = (_: string, __: unknown, retryMs: number) => void errors.push(retryMs);
  return { timers, errors, queue: new WorkQueue({ process, onError, workers, timers, random: () => 0 }) };
}

describe('the work queue', () => {
  it('works on a key once at a time, and again when it was added meanwhile', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const gates: (() => void)[] = [];
    const { queue } = make(async () => {
      most = Math.max(most, ++running);
      runs++;
      await new Promise<void>((resolve) => gates.push(resolve));
      running--;
      return undefined;
    });
    queue.add('a');
    queue.add('a');
    queue.add('a');
    await settle();
    expect(runs).toBe(1);
    gates.shift()?.();
    await settle();
    expect(runs).toBe(2);
    gates.shift()?.();
    await settle();
    expect({ runs, most }).toEqual({ runs: 2, most: 1 });
  });

  it('has no more workers than it was given', async () => {
    const gates: (() => void)[] = [];
    const { queue } = make(async () => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return undefined;
    });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await settle();
    expect([gates.length, queue.depth]).toEqual([2, 1]);
    gates.shift()?.();
    await settle();
    expect([gates.length, queue.depth]).toEqual([2, 0]);
  });

  it('tries again after waits that double, and forgets failures when it worked', async () => {
    let fails = 3;
    const { queue, timers, errors } = make(async () => {
      if (fails-- > 0) throw new Error('no');
      return undefined;
    });
    queue.add('a');
    await settle();
    for (let i = 0; i < 4; i++) await timers.pass(errors.at(-1) ?? 0);
    expect(errors).toEqual([250, 500, 1_000]);
    fails = 1;
    queue.add('a');
    await settle();
    expect(errors.at(-1)).toBe(250);
  });

  it('comes back at the earliest of the times that were asked for', async () => {
    let runs = 0;
    const { queue, timers } = make(async () => {
      runs++;
      return undefined;
    });
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 5_000);
    await timers.pass(100);
    expect([runs, timers.waiting]).toEqual([1, 0]);
  });

  it('waits for what runs when it is stopped, and begins nothing more', async () => {
    let release = () => {};
    let runs = 0;
    const { queue } = make(async () => {
      runs++;
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return undefined;
    }, 1);
    queue.add('a');
    queue.add('b');
    await settle();
    const stopped = queue.stop();
    queue.add('c');
    release();
    await stopped;
    expect(runs).toBe(1);
  });
});
