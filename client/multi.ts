import {
  type ErrorCode,
  FaaSKeeperError,
  isErrorCode,
  type MultiOperationResult,
  type Reply,
} from '@faaskeeper/protocol';
import type { CreateArguments, Data, MultiOp } from './arguments.ts';
import type { Chroot } from './chroot.ts';
import type { CallOptions } from './waiting.ts';

/** What one operation of a failed multi came to: Ok before the culprit, RuntimeInconsistency (not tried) after it. */
export type MultiOutcome = ErrorCode | 'Ok';

/**
 * A multi of which nothing was done. `code` and `path` are those of the operation that failed, `index` is its place;
 * it is an instance of that error's class as well (`error instanceof BadVersionError`).
 */
export class MultiError extends FaaSKeeperError {
  readonly index: number;
  readonly results: readonly MultiOutcome[];

  constructor(code: ErrorCode, results: readonly MultiOutcome[], index: number, path: string | undefined) {
    super(code, `Operation ${index} of the multi failed${path === undefined ? '' : ` for ${path}`}: ${code}`, { path });
    this.name = 'MultiError';
    this.index = index;
    this.results = results;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof FaaSKeeperError && 'results' in value && 'index' in value;
  }
}

/** @throws MultiError */
export function multiResults(chroot: Chroot, ops: readonly MultiOp[], reply: Reply): MultiOperationResult[] {
  if (reply.error === undefined) {
    return (reply.result as MultiOperationResult[]).map((result) =>
      result.path === undefined ? result : { ...result, path: chroot.toUser(result.path) },
    );
  }
  const codes = Array.isArray(reply.result) ? (reply.result as unknown[]) : [];
  const culprit = codes.indexOf(reply.error);
  const index = Math.max(0, culprit);
  const results = ops.map((_, at): MultiOutcome => {
    const code = codes[at];
    if (isErrorCode(code)) return code;
    return at < index ? 'Ok' : at === index ? (reply.error as ErrorCode) : 'RuntimeInconsistency';
  });
  throw new MultiError(reply.error, results, index, ops[index]?.path);
}

/** Collects the operations of a multi: `client.transaction().check('/a', 3).create('/b').commit()`. */
export class Transaction {
  readonly #ops: MultiOp[] = [];
  readonly #commit: (ops: readonly MultiOp[], options?: CallOptions) => Promise<MultiOperationResult[]>;

  constructor(commit: (ops: readonly MultiOp[], options?: CallOptions) => Promise<MultiOperationResult[]>) {
    this.#commit = commit;
  }

  create(path: string, data: Data = null, options: CreateArguments = {}): this {
    this.#ops.push({ type: 'create', path, data, ...options });
    return this;
  }

  delete(path: string, version = -1): this {
    this.#ops.push({ type: 'delete', path, version });
    return this;
  }

  setData(path: string, data: Data, version = -1): this {
    this.#ops.push({ type: 'setData', path, data, version });
    return this;
  }

  check(path: string, version = -1): this {
    this.#ops.push({ type: 'check', path, version });
    return this;
  }

  /** All of it or nothing. @throws MultiError */
  commit(options?: CallOptions): Promise<MultiOperationResult[]> {
    return this.#commit(this.#ops, options);
  }
}
