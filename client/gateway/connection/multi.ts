import {
  type ErrorCode,
  isErrorCode,
  type MultiOperation,
  type MultiOperationResult,
  type Reply,
  type Stat,
} from '@faaskeeper/protocol';
import type { Part, PartResult } from '../jute/index.ts';
import { pathOf } from './handlers/handler.ts';
import { codeOf, createOf, deleteOf, MODES, setDataOf } from './operations.ts';

type Answer = 'create' | 'create2' | 'setData' | 'delete' | 'check';

/** One operation of a multi, and the format of its result. */
export interface MultiPart {
  readonly operation: MultiOperation;
  readonly answer: Answer;
}

type CreatePart = Extract<Part, { op: `create${string}` }>;

/**
 * A create within a multi. There, ZooKeeper goes by the flags first (Op.create): they make a container of a create, and
 * a plain create of a createTTL. What it cannot even make an operation of is undefined.
 */
function createPart(part: CreatePart): MultiPart | undefined {
  const mode = MODES[part.flags];
  const hasTtl = mode?.endsWith('WITH_TTL') === true;
  if (part.op === 'createTTL') {
    if (mode === undefined || hasTtl) return { operation: createOf(part), answer: 'create2' };
    const { ttl: _, ...plain } = part;
    return createPart({ ...plain, op: 'create', acl: part.acl ?? [] });
  }
  if (mode === undefined || hasTtl || part.acl === null) return undefined;
  const container = part.op === 'createContainer' || mode === 'CONTAINER';
  return { operation: createOf(part, container), answer: container || part.op === 'create2' ? 'create2' : 'create' };
}

/** `malformed`: the whole multi is refused. `read`: it has no place among writes. */
export function multiPart(part: Part): MultiPart | 'malformed' | 'read' {
  switch (part.op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      return createPart(part) ?? 'malformed';
    case 'delete':
      return { operation: deleteOf(part), answer: 'delete' };
    case 'setData':
      return { operation: setDataOf(part), answer: 'setData' };
    case 'check':
      return { operation: { type: 'check', path: pathOf(part.path), version: part.version }, answer: 'check' };
    default:
      return 'read';
  }
}

/** The results of a multi, in the format of each operation. */
export function multiResultsOf(parts: readonly MultiPart[], reply: Reply): PartResult[] {
  if (reply.error !== undefined) return failedResults(parts, reply.error, reply.result);
  const results = reply.result as readonly MultiOperationResult[];
  return parts.map(({ answer }, at): PartResult => {
    const { path = '', stat } = results[at] as MultiOperationResult;
    if (answer === 'create') return { op: answer, path };
    if (answer === 'create2') return { op: answer, path, stat: stat as Stat };
    if (answer === 'setData') return { op: answer, stat: stat as Stat };
    return { op: answer };
  });
}

/** 0 before the one that failed, its code, and -2 after it. */
function failedResults(parts: readonly MultiPart[], error: ErrorCode, result: unknown): PartResult[] {
  const codes = Array.isArray(result) ? (result as unknown[]) : [];
  return parts.map((_, at) => {
    const code = codes[at];
    if (code === 'Ok') return { op: 'error', err: 0 };
    return { op: 'error', err: codeOf(isErrorCode(code) ? code : error) };
  });
}
