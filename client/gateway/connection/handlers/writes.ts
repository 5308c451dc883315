import type { Operation, Reply, Stat } from '@faaskeeper/protocol';
import { CODES, read, readMulti, write, writeMultiResults } from '../../jute/index.ts';
import { type MultiPart, multiPart, multiResultsOf } from '../multi.ts';
import { createdOf, createOf, deleteOf, setAclOf, setDataOf } from '../operations.ts';
import type { Served } from '../served.ts';
import { type Call, type Handler, pathOf } from './handler.ts';

const stat = (served: Served, { result }: Reply) => write.Stat(served.writer, result as Stat);

function create2(served: Served, call: Call, operation: Operation): void {
  served.write(call, operation, (reply) => write.Create2Response(served.writer, createdOf(reply)));
}

/** What changes the tree. */
export const writes = {
  create(served, call) {
    const operation = createOf(read.CreateRequest(call.reader));
    served.write(call, operation, (reply) => write.CreateResponse(served.writer, createdOf(reply)));
  },
  create2: (served, call) => create2(served, call, createOf(read.CreateRequest(call.reader))),
  createContainer: (served, call) => create2(served, call, createOf(read.CreateRequest(call.reader), true)),
  createTTL: (served, call) => create2(served, call, createOf(read.CreateTTLRequest(call.reader))),
  delete: (served, call) => served.write(call, deleteOf(read.DeleteRequest(call.reader))),
  setData(served, call) {
    served.write(call, setDataOf(read.SetDataRequest(call.reader)), (reply) => stat(served, reply));
  },
  setACL(served, call) {
    served.write(call, setAclOf(read.SetACLRequest(call.reader)), (reply) => stat(served, reply));
  },
  multi(served, call) {
    const parts: MultiPart[] = [];
    for (const one of readMulti(call.reader, served.multiOperations)) {
      const part = multiPart(one);
      if (part === 'malformed') {
        served.refuse(call, CODES.marshallingError);
        return;
      }
      if (part === 'read') {
        served.end('a read in a multi that writes');
        return;
      }
      parts.push(part);
    }
    // A multi that failed is answered with what became of each operation: its header says 0.
    served.write(
      call,
      { type: 'multi', operations: parts.map(({ operation }) => operation) },
      (reply) => writeMultiResults(served.writer, multiResultsOf(parts, reply)),
      { alwaysOk: true },
    );
  },
  sync(served, call) {
    const { path } = read.SyncRequest(call.reader);
    const body = () => write.SyncResponse(served.writer, { path });
    served.write(call, { type: 'sync', path: pathOf(path) }, body, { covered: true });
  },
  closeSession: (served, call) => served.closeSession(call),
} as const satisfies Record<string, Handler>;
