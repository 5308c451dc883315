import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ServerError } from '../errors.ts';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of standard error (where package managers tell their progress). */
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const keptLines = 15;

/** Runs a program and returns its standard output; throws INSTALL_FAILED with the end of its messages. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env, onLine, signal } = options;
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
    ...(signal === undefined ? {} : { signal }),
  });
  let output = '';
  const lines: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
    onLine?.(line);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return output;
  const tail = [...output.trimEnd().split('\n').slice(-keptLines), ...lines].join('\n  ');
  throw new ServerError('INSTALL_FAILED', `\`${command} ${args.join(' ')}\` failed (exit code ${code}):\n  ${tail}`);
}
