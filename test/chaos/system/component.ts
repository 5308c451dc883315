import { setTimeout as sleep } from 'node:timers/promises';
import { Supervised } from '../../../operator/local/supervised.ts';
import type { ManagedProcess } from '../../../operator/servers/index.ts';

/** One process of the system: killed, paused, and started again as Kubernetes would. */
export class Component {
  readonly name: string;
  readonly process: ManagedProcess;
  readonly #supervised: Supervised;

  constructor(name: string, process: ManagedProcess, onEvent: (line: string) => void) {
    this.name = name;
    this.process = process;
    const { host, port } = process.spec;
    const options = { name, address: `${host}:${port}`, onEvent, onChange: () => undefined };
    this.#supervised = new Supervised(process, options);
  }

  /** It ends at once, and is started again after a moment. */
  crash(): void {
    this.process.kill('SIGKILL');
  }

  /** It ends at once and stays away until `up`. */
  async down(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.stop();
  }

  async up(): Promise<void> {
    await this.process.start();
  }

  pause(): void {
    this.process.kill('SIGSTOP');
  }

  resume(): void {
    this.process.kill('SIGCONT');
  }

  /** In order, as in an upgrade. */
  restart(): Promise<void> {
    return this.#supervised.restart();
  }

  /** Resolves when it answers (again). */
  async ready(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const answers =
        this.process.running &&
        (await this.process.spec.ready().then(
          () => true,
          () => false,
        ));
      if (answers) return;
      if (performance.now() > deadline) throw new Error(`${this.name} does not answer (see ${this.process.logFile})`);
      await sleep(100);
    }
  }

  async stop(): Promise<void> {
    this.resume();
    await this.#supervised.stop();
  }
}
