import { type ErrorCode, pathProblem, type Reply, type Stat } from '@faaskeeper/protocol';
import type { ReadKind } from '../../../reads/node-state.ts';
import { type Answer, type Target, target } from '../../../reads/reader.ts';
import { knownOf } from '../../../watches/events.ts';
import { CODES, type PartResult, read, readMulti, write, writeMultiResults } from '../../jute/index.ts';
import { codeOf } from '../operations.ts';
import type { Served } from '../served.ts';
import { type Call, type Handler, readPathOf } from './handler.ts';

type LookOp = 'getData' | 'exists' | 'getChildren' | 'getChildren2';

/** A read of one node. ZooKeeper looks up any path, and finds nothing under one that is not valid. */
export function look(served: Served, call: Call, request: { path: string | null; watch: boolean }, op: LookOp): void {
  const { watch } = request;
  const path = readPathOf(request.path);
  if (pathProblem(path) !== undefined) {
    served.refuse(call, op === 'exists' && path.includes('\0') ? CODES.badArguments : CODES.noNode);
    return;
  }
  const kind: ReadKind = op === 'getChildren2' ? 'getChildren' : op;
  const { engine } = served;
  if (watch) engine.watches.prepare(path);
  const options = watch ? { exact: true, onOver: () => engine.watches.release(path) } : {};
  const reading = engine.read([target(path, kind)], options, ([found]) => {
    const answer = found as Answer;
    const { error, stat, zxid } = answer;
    if (watch && error === undefined) {
      engine.watches.arm(path, kind === 'getChildren' ? 'children' : 'data', served.onWatch, knownOf(zxid, stat));
    }
    const code: ErrorCode | undefined = error ?? (stat === undefined ? 'NoNode' : undefined);
    served.answer(call, engine.watermark, codeOf(code), () => writeFound(served, op, answer, stat as Stat));
  });
  served.follow(call, reading);
}

function writeFound({ writer }: Served, op: LookOp, { data = null, children = [] }: Answer, stat: Stat): void {
  if (op === 'getData') write.GetDataResponse(writer, { data, stat });
  else if (op === 'exists') write.ExistsResponse(writer, { stat });
  else if (op === 'getChildren') write.GetChildrenResponse(writer, { children });
  else write.GetChildren2Response(writer, { children, stat });
}

function partResult(op: 'getData' | 'getChildren', { error, stat, data = null, children = [] }: Answer): PartResult {
  if (error !== undefined) return { op: 'error', err: codeOf(error) };
  return op === 'getData' ? { op, data, stat: stat as Stat } : { op, children };
}

function multiRead(served: Served, call: Call): void {
  const targets: Target[] = [];
  const finders: ((answers: readonly Answer[]) => PartResult)[] = [];
  for (const part of readMulti(call.reader, served.multiOperations)) {
    const { op } = part;
    if (op !== 'getData' && op !== 'getChildren') {
      served.end('a write in a multi that reads');
      return;
    }
    const path = readPathOf(part.path);
    if (pathProblem(path) !== undefined) finders.push(() => ({ op: 'error', err: CODES.noNode }));
    else {
      const at = targets.push(target(path, op)) - 1;
      finders.push((answers) => partResult(op, answers[at] as Answer));
    }
  }
  const reading = served.engine.read(targets, { exact: true }, (answers) => {
    const results = finders.map((find) => find(answers));
    served.answer(call, served.engine.watermark, 0, () => writeMultiResults(served.writer, results));
  });
  served.follow(call, reading);
}

/** What tells of the tree, of the session, or of its identities. */
export const reads = {
  getData: (served, call) => look(served, call, read.GetDataRequest(call.reader), 'getData'),
  exists: (served, call) => look(served, call, read.ExistsRequest(call.reader), 'exists'),
  getChildren: (served, call) => look(served, call, read.GetChildrenRequest(call.reader), 'getChildren'),
  getChildren2: (served, call) => look(served, call, read.GetChildren2Request(call.reader), 'getChildren2'),
  multiRead,
  getACL(served, call) {
    const path = readPathOf(read.GetACLRequest(call.reader).path);
    if (pathProblem(path) !== undefined) served.refuse(call, CODES.noNode);
    else {
      const body = ({ result }: Reply) => {
        const { acl, stat } = result as { acl: { scheme: string; id: string; permissions: number }[]; stat: Stat };
        const entries = acl.map(({ scheme, id, permissions }) => ({ perms: permissions, id: { scheme, id } }));
        write.GetACLResponse(served.writer, { acl: entries, stat });
      };
      served.write(call, { type: 'getACL', path }, body, { query: true });
    }
  },
  getEphemerals(served, call) {
    const { prefixPath } = read.GetEphemeralsRequest(call.reader);
    const prefix = readPathOf(prefixPath).trim() || '/';
    const body = ({ result }: Reply) => write.GetEphemeralsResponse(served.writer, { ephemerals: result as string[] });
    served.write(call, { type: 'getEphemerals', prefix }, body, { query: true });
  },
  getAllChildrenNumber(served, call) {
    const path = readPathOf(read.GetAllChildrenNumberRequest(call.reader).path);
    if (pathProblem(path) !== undefined) served.refuse(call, CODES.noNode);
    else {
      const body = ({ result }: Reply) =>
        write.GetAllChildrenNumberResponse(served.writer, { totalNumber: result as number });
      served.write(call, { type: 'getAllChildrenNumber', path }, body, { query: true });
    }
  },
  whoAmI(served, call) {
    const body = ({ result }: Reply) => {
      // A digest is told by its user, as ZooKeeper does.
      const clientInfo = (result as { scheme: string; id: string }[]).map(({ scheme, id }) => ({
        authScheme: scheme,
        user: scheme === 'digest' ? (id.split(':', 1)[0] ?? '') : id,
      }));
      write.WhoAmIResponse(served.writer, { clientInfo });
    };
    served.write(call, { type: 'whoAmI' }, body, { query: true });
  },
} as const satisfies Record<string, Handler>;
