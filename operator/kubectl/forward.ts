import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { type Kubectl, KubectlError } from './kubectl.ts';

export interface ForwardTarget {
  readonly namespace: string;
  /** As kubectl names it: `service/name`, `pod/name`. */
  readonly to: string;
  readonly port: number;
}

/** A local port that leads into the cluster for as long as it is wanted. */
export interface Forward extends AsyncDisposable {
  readonly port: number;
  stop(): Promise<void>;
}

/** ms. */
const BOUNDS = { start: 20_000, again: 500 } as const;
const LISTENS = /Forwarding from 127\.0\.0\.1:(\d+)/;

/**
 * `kubectl port-forward` to one pod behind a Service; when the pod goes, to another one, at the same local port.
 *
 * @throws KubectlError when there is nothing to forward to.
 */
export async function forward(kubectl: Kubectl, { namespace, to, port }: ForwardTarget): Promise<Forward> {
  const run = (local: number) =>
    kubectl.start(['port-forward', '--namespace', namespace, to, `${local === 0 ? '' : local}:${port}`]);
  let child = run(0);
  let stopped = false;
  let again: NodeJS.Timeout | undefined;
  const local = await listens(child);
  const keep = () => {
    child.once('close', () => {
      if (stopped) return;
      again = setTimeout(() => {
        child = run(local);
        child.on('error', () => undefined);
        keep();
      }, BOUNDS.again);
    });
    child.stdout.resume();
    child.stderr.resume();
  };
  keep();
  const onExit = () => void child.kill('SIGTERM');
  process.once('exit', onExit);
  const stop = async () => {
    stopped = true;
    clearTimeout(again);
    process.off('exit', onExit);
    child.kill('SIGTERM');
  };
  return { port: local, stop, [Symbol.asyncDispose]: stop };
}

function listens(child: ChildProcessWithoutNullStreams): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      reject(new KubectlError(`kubectl port-forward does not begin: ${said.trim()}`));
    }, BOUNDS.start);
    const heard = (chunk: Buffer) => {
      said += chunk.toString();
      const port = LISTENS.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      reject(new KubectlError(said.trim() || 'kubectl port-forward ended'));
    });
  });
}
