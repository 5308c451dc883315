import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BENCH } from '../bounds.ts';
import { type Round, within } from '../measure.ts';
import type { Churn, Fanout, LoadAnswer, LoadCommand, LoadMix } from './commands.ts';

export interface LoadTarget {
  readonly system: string;
  readonly host: string;
  readonly port: number;
}

/** The load generator as its owner has it; one thing at a time. */
export class Load implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'main.ts'), [], { execArgv: ['--conditions=source'] });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  open({ system, host, port }: LoadTarget, count: number): Promise<unknown> {
    return this.#ask({ type: 'open', system, host, port, count });
  }

  fill({ system }: LoadTarget, root: string, nodes: number, sizeBytes: number): Promise<unknown> {
    return this.#ask({ type: 'fill', system, root, nodes, sizeBytes });
  }

  warm({ system }: LoadTarget, root: string, nodes: number): Promise<unknown> {
    return this.#ask({ type: 'warm', system, root, nodes });
  }

  settle({ system }: LoadTarget, root: string): Promise<unknown> {
    return this.#ask({ type: 'settle', system, root });
  }

  run({ system }: LoadTarget, root: string, mix: LoadMix): Promise<Round> {
    return this.#ask({ type: 'run', system, root, ...mix }) as Promise<Round>;
  }

  churn({ system, host, port }: LoadTarget, count: number): Promise<Churn> {
    const bounds = { parallel: BENCH.churnParallel, mostMs: BENCH.churnMs };
    return this.#ask({ type: 'churn', system, host, port, count, ...bounds }) as Promise<Churn>;
  }

  fanout({ system }: LoadTarget, root: string, writes: number): Promise<Fanout> {
    return this.#ask({ type: 'fanout', system, root, writes }) as Promise<Fanout>;
  }

  close({ system }: LoadTarget): Promise<unknown> {
    return this.#ask({ type: 'close', system });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }

  async #ask(command: LoadCommand): Promise<unknown> {
    const ended = new AbortController();
    const onExit = () => ended.abort(new Error('The load generator has ended'));
    this.#child.once('exit', onExit);
    try {
      const answered = once(this.#child, 'message', { signal: ended.signal });
      this.#child.send(command);
      const [answer] = (await within(`the load generator: ${command.type}`, answered, BENCH.loadStuckMs)) as [
        LoadAnswer,
      ];
      if (!answer.ok) throw new Error(`The load generator failed: ${answer.error}`);
      return answer.result;
    } finally {
      this.#child.off('exit', onExit);
    }
  }
}
