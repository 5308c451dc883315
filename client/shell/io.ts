import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ShellConnect } from './client.ts';

export type ShellSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The shell's outside. Everything has the process's own as its default. */
export interface ShellIo {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
  /** Where signals come from. */
  readonly signals: {
    once(signal: ShellSignal, listener: () => void): unknown;
    off(signal: ShellSignal, listener: () => void): unknown;
  };
  /** Where the lines of interactive shells are kept; undefined: nowhere. */
  readonly historyFile: string | undefined;
  readonly connect: ShellConnect;
}

export function processIo(): ShellIo {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signals: process,
    historyFile: historyFile(),
    connect: connectClient,
  };
}

/** `FAASKEEPER_HISTORY` names another file; empty, it turns the history off. */
function historyFile(): string | undefined {
  const named = process.env.FAASKEEPER_HISTORY;
  if (named === undefined) return join(homedir(), '.faaskeeper_history');
  return named === '' ? undefined : named;
}

/** Imports the client only when it is needed: `help` should not wait for NATS and S3 libraries. */
const connectClient: ShellConnect = async ({ binding, requestTimeout, signal }) => {
  // The SDK's advice about its future versions is for us, who pin one; the shell's stderr is for errors.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { FaaSKeeper } = await import('../index.ts');
  return FaaSKeeper.connect({
    ...(binding === undefined ? {} : { binding }),
    ...(requestTimeout === undefined ? {} : { requestTimeout, connectTimeout: requestTimeout }),
    ...(signal === undefined ? {} : { signal }),
  });
};
