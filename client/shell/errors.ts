import { ERRORS, type ErrorCode, type FaaSKeeperError, isFaaSKeeperError } from '@faaskeeper/protocol';

/** Exit codes of one-shot commands and scripts. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143, hungUp: 129 } as const;

/** The command cannot be understood; nothing was done. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A command that needs a session was given after `close`. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
  constructor() {
    super('Not connected. Type connect to open a session.');
  }
}

/** No session could be opened; `cause` says why. */
export class ConnectFailedError extends Error {
  override readonly name = 'ConnectFailedError';
  constructor(cause: unknown) {
    super(`Cannot connect: ${withoutAdvice(cause)}. ${CONNECT_ADVICE}`, { cause });
  }
}

const CONNECT_ADVICE =
  'Start the instance (npm start; npx faaskeeper status tells how it is), or name another with --binding DIR.';

function withoutAdvice(error: unknown): string {
  if (!isFaaSKeeperError(error)) return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
  return error.message.replace(ERRORS[error.code].todo, '').trim().replace(/\.$/, '');
}

/** A command that this one ran has failed and said so. */
export class ReportedError extends Error {
  override readonly name = 'ReportedError';
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`a command failed with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** zkCli's words, which scripts may look for; the path follows. */
const WORDS: Partial<Record<ErrorCode, string>> = {
  NoNode: 'Node does not exist: ',
  NodeExists: 'Node already exists: ',
  NotEmpty: 'Node not empty: ',
  NoAuth: 'Insufficient permission : ',
  BadVersion: 'version No is not valid : ',
  NoChildrenForEphemerals: 'Ephemerals cannot have children: ',
  InvalidAcl: 'Acl is not valid : ',
  NoWatcher: 'No such watcher for ',
};

/** What to do, where it differs in the shell from what a program would do. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  NoAuth: 'Use addauth with an identity that the ACL names.',
  NodeExists: 'Use set, or another name.',
  NoWatcher: 'Remove only watches that this session has set.',
  SessionExpired: 'Type connect for a new session.',
  ConnectionLoss: 'Check that the instance runs (npx faaskeeper status) and try again.',
  OperationTimeout: 'Check that the instance runs (npx faaskeeper status), or give it longer with --timeout.',
  NotEmpty: 'Delete its children first, or use deleteall.',
};

export interface Description {
  /** A key of ERRORS, or the kind of error that is the shell's own. */
  readonly code: string;
  readonly path?: string;
  /** One line: what happened, to which path, and what to do. */
  readonly message: string;
}

/** An error in one line. `path` is what the command was about, for errors that name none. */
export function describe(error: unknown, path?: string): Description {
  if (isFaaSKeeperError(error)) return describeFailure(error, error.path ?? path);
  if (!(error instanceof Error)) return { code: 'Error', message: String(error) };
  return { code: error.name.replace(/Error$/, '') || 'Error', message: oneLine(error.message) };
}

function describeFailure(error: FaaSKeeperError, path: string | undefined): Description {
  const { code } = error;
  const words = WORDS[code];
  const about = path === undefined ? {} : { path };
  if (words !== undefined && path !== undefined) {
    return { code, ...about, message: `${words}${path}. ${ADVICE[code] ?? ERRORS[code].todo}` };
  }
  const advice = ADVICE[code];
  const message = advice === undefined ? error.message : error.message.replace(ERRORS[code].todo, advice);
  const named = path === undefined || message.includes(path) ? message : `${path}: ${message}`;
  return { code, ...about, message: oneLine(named) };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof ReportedError) return error.exitCode;
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}
