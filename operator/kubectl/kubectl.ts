import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';

/** kubectl said no; the message is what it printed. */
export class KubectlError extends Error {
  override readonly name = 'KubectlError';
}

const OUTPUT_BYTES = 256 * 1024 * 1024;

/** The kubectl program, with the flags that say which cluster. */
export class Kubectl {
  readonly #program: string;
  readonly #flags: readonly string[];

  /** @param program see findKubectl. */
  constructor(program: string, flags: readonly string[] = []) {
    this.#program = program;
    this.#flags = flags;
  }

  /** What it printed. @throws KubectlError */
  run(args: readonly string[], input = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const settings = { maxBuffer: OUTPUT_BYTES };
      const child = execFile(this.#program, [...this.#flags, ...args], settings, (cause, stdout, stderr) => {
        if (cause === null) resolve(stdout);
        else reject(new KubectlError(stderr.trim() || stdout.trim() || cause.message, { cause }));
      });
      child.stdin?.on('error', () => undefined); // kubectl ended before it read its input: its own words say why
      child.stdin?.end(input);
    });
  }

  /** `kubectl … --output json`. @throws KubectlError */
  async json<T>(args: readonly string[], input?: string): Promise<T> {
    return JSON.parse(await this.run([...args, '--output', 'json'], input)) as T;
  }

  /** A kubectl that goes on until it is killed; Ctrl-C in the terminal is not for it. */
  start(args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn(this.#program, [...this.#flags, ...args], { detached: true });
  }
}
