/**
 * The one table of errors: a stable code, ZooKeeper's return code (KeeperException.Code; 0 where it has none), what
 * happened and what to do. docs/errors.md is checked against it.
 */
export const ERRORS = {
  SystemError: { zookeeper: -1, what: 'the system failed', todo: 'Look at the logs of the functions; retry.' },
  ConnectionLoss: { zookeeper: -4, what: 'the connection is lost', todo: 'Wait for the state connected and retry.' },
  MarshallingError: { zookeeper: -5, what: 'a message cannot be decoded', todo: 'Check the version of the client.' },
  Damaged: {
    zookeeper: -3,
    what: 'a stored object is damaged',
    todo: 'It is rebuilt by itself where that can be done: see docs/operations.md.',
  },
  NewerFormat: {
    zookeeper: -5,
    what: 'a stored object was written by a newer release',
    todo: 'Upgrade this program; it changes nothing that it does not know.',
  },
  Unimplemented: { zookeeper: -6, what: 'the operation is not supported', todo: 'Use an operation of ZooKeeper 3.9.' },
  OperationTimeout: { zookeeper: -7, what: 'no answer in time', todo: 'Check that functions and stores run; retry.' },
  BadArguments: {
    zookeeper: -8,
    what: 'an argument is not valid',
    todo: 'Correct the argument that the message names.',
  },
  NoNode: { zookeeper: -101, what: 'the node does not exist', todo: 'Create it (and its parents) first.' },
  NoAuth: {
    zookeeper: -102,
    what: 'the ACL does not permit this',
    todo: 'addAuth with an identity that the ACL names.',
  },
  BadVersion: { zookeeper: -103, what: 'the version does not match', todo: 'Read the node again and retry.' },
  NoChildrenForEphemerals: {
    zookeeper: -108,
    what: 'ephemeral nodes have no children',
    todo: 'Create the child below a persistent node.',
  },
  NodeExists: { zookeeper: -110, what: 'the node exists already', todo: 'Use setData, or another name.' },
  NotEmpty: { zookeeper: -111, what: 'the node has children', todo: 'Delete its children first (deleteall).' },
  SessionExpired: { zookeeper: -112, what: 'the session has expired', todo: 'Connect again: a new session begins.' },
  InvalidCallback: { zookeeper: -113, what: 'the callback is not valid', todo: 'Pass a function.' },
  InvalidAcl: {
    zookeeper: -114,
    what: 'the ACL is not valid',
    todo: 'Give at least one known scheme with a valid id.',
  },
  AuthFailed: { zookeeper: -115, what: 'authentication failed', todo: 'Check scheme and credentials.' },
  SessionClosing: { zookeeper: -116, what: 'the session is closing', todo: 'Open a new session.' },
  SessionMoved: { zookeeper: -118, what: 'the session is attached elsewhere', todo: 'Use the newer attachment.' },
  EphemeralOnLocalSession: {
    zookeeper: -120,
    what: 'local sessions have no ephemerals',
    todo: 'Use a global session.',
  },
  NoWatcher: { zookeeper: -121, what: 'there is no such watch', todo: 'Remove only watches that were set.' },
  QuotaExceeded: {
    zookeeper: -125,
    what: 'a quota, or a limit of the instance, is exceeded',
    todo: 'Delete nodes, close sessions, or raise the quota or limit.',
  },
  Throttled: { zookeeper: -127, what: 'too many outstanding requests', todo: 'Wait for answers before you send more.' },
  RuntimeInconsistency: { zookeeper: -2, what: 'the operation was not tried', todo: 'See the error of its multi.' },
  Aborted: { zookeeper: 0, what: 'the call was aborted', todo: 'It may still take effect: read to find out.' },
  Halted: { zookeeper: -1, what: 'the instance takes no writes', todo: 'Stores disagree: see docs/operations.md.' },
} as const satisfies Record<string, { zookeeper: number; what: string; todo: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorContext {
  readonly path?: string | undefined;
  readonly session?: number | undefined;
  readonly instance?: string | undefined;
  readonly cause?: unknown;
}

const BRAND = Symbol.for('faaskeeper.error');

/** Base of every error of this project: `code` is a key of ERRORS; `path`, `session`, `instance` say what it is about. */
export class FaaSKeeperError extends Error {
  readonly code: ErrorCode;
  /** ZooKeeper's return code, 0 where it has none. */
  readonly zookeeperCode: number;
  readonly path?: string;
  readonly session?: number;
  readonly instance?: string;
  readonly [BRAND] = true;

  constructor(code: ErrorCode, message?: string, context: ErrorContext = {}) {
    const { what, todo, zookeeper } = ERRORS[code];
    const about = context.path === undefined ? '' : ` for ${context.path}`;
    super(
      `${message ?? `${code}${about}: ${what}`}. ${todo}`,
      context.cause === undefined ? {} : { cause: context.cause },
    );
    this.code = code;
    this.zookeeperCode = zookeeper;
    if (context.path !== undefined) this.path = context.path;
    if (context.session !== undefined) this.session = context.session;
    if (context.instance !== undefined) this.instance = context.instance;
    this.name = code.endsWith('Error') ? code : `${code}Error`;
  }
}

/** Safe across two copies of the package. */
export function isFaaSKeeperError(error: unknown): error is FaaSKeeperError {
  return typeof error === 'object' && error !== null && BRAND in error;
}

function failure<Code extends ErrorCode>(code: Code) {
  return class extends FaaSKeeperError {
    declare readonly code: Code;
    constructor(message?: string, context?: ErrorContext) {
      super(code, message, context);
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return isFaaSKeeperError(value) && value.code === code;
    }
  };
}

export class SystemError extends failure('SystemError') {}
export class ConnectionLossError extends failure('ConnectionLoss') {}
export class MarshallingError extends failure('MarshallingError') {}
export class DamagedError extends failure('Damaged') {}
export class NewerFormatError extends failure('NewerFormat') {}
export class UnimplementedError extends failure('Unimplemented') {}
export class OperationTimeoutError extends failure('OperationTimeout') {}
export class BadArgumentsError extends failure('BadArguments') {}
export class NoNodeError extends failure('NoNode') {}
export class NoAuthError extends failure('NoAuth') {}
export class BadVersionError extends failure('BadVersion') {}
export class NoChildrenForEphemeralsError extends failure('NoChildrenForEphemerals') {}
export class NodeExistsError extends failure('NodeExists') {}
export class NotEmptyError extends failure('NotEmpty') {}
export class SessionExpiredError extends failure('SessionExpired') {}
export class InvalidAclError extends failure('InvalidAcl') {}
export class AuthFailedError extends failure('AuthFailed') {}
export class SessionMovedError extends failure('SessionMoved') {}
export class NoWatcherError extends failure('NoWatcher') {}
export class QuotaExceededError extends failure('QuotaExceeded') {}
export class ThrottledError extends failure('Throttled') {}
export class AbortedError extends failure('Aborted') {}
export class HaltedError extends failure('Halted') {}

const CLASSES: Partial<Record<ErrorCode, new (message?: string, context?: ErrorContext) => FaaSKeeperError>> = {
  SystemError,
  ConnectionLoss: ConnectionLossError,
  MarshallingError,
  Damaged: DamagedError,
  NewerFormat: NewerFormatError,
  Unimplemented: UnimplementedError,
  OperationTimeout: OperationTimeoutError,
  BadArguments: BadArgumentsError,
  NoNode: NoNodeError,
  NoAuth: NoAuthError,
  BadVersion: BadVersionError,
  NoChildrenForEphemerals: NoChildrenForEphemeralsError,
  NodeExists: NodeExistsError,
  NotEmpty: NotEmptyError,
  SessionExpired: SessionExpiredError,
  InvalidAcl: InvalidAclError,
  AuthFailed: AuthFailedError,
  SessionMoved: SessionMovedError,
  NoWatcher: NoWatcherError,
  QuotaExceeded: QuotaExceededError,
  Throttled: ThrottledError,
  Aborted: AbortedError,
  Halted: HaltedError,
};

/** The typed error for a code that came over the wire. */
export function errorFor(code: ErrorCode, context: ErrorContext = {}, message?: string): FaaSKeeperError {
  const Class = CLASSES[code];
  return Class === undefined ? new FaaSKeeperError(code, message, context) : new Class(message, context);
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}
