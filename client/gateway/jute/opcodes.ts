import type { RecordName } from './records.ts';

interface Opcode {
  readonly code: number;
  readonly request: RecordName;
  /** Of a successful reply; `multi` has a format of its own. */
  readonly response: RecordName | 'multi';
}

/** ZooDefs.OpCode: what clients send, and the records it comes with. */
export const OPCODES = {
  create: { code: 1, request: 'CreateRequest', response: 'CreateResponse' },
  delete: { code: 2, request: 'DeleteRequest', response: 'Nothing' },
  exists: { code: 3, request: 'ExistsRequest', response: 'ExistsResponse' },
  getData: { code: 4, request: 'GetDataRequest', response: 'GetDataResponse' },
  setData: { code: 5, request: 'SetDataRequest', response: 'SetDataResponse' },
  getACL: { code: 6, request: 'GetACLRequest', response: 'GetACLResponse' },
  setACL: { code: 7, request: 'SetACLRequest', response: 'SetACLResponse' },
  getChildren: { code: 8, request: 'GetChildrenRequest', response: 'GetChildrenResponse' },
  sync: { code: 9, request: 'SyncRequest', response: 'SyncResponse' },
  ping: { code: 11, request: 'Nothing', response: 'Nothing' },
  getChildren2: { code: 12, request: 'GetChildren2Request', response: 'GetChildren2Response' },
  check: { code: 13, request: 'CheckVersionRequest', response: 'Nothing' },
  multi: { code: 14, request: 'Nothing', response: 'multi' },
  create2: { code: 15, request: 'CreateRequest', response: 'Create2Response' },
  reconfig: { code: 16, request: 'ReconfigRequest', response: 'GetDataResponse' },
  checkWatches: { code: 17, request: 'CheckWatchesRequest', response: 'Nothing' },
  removeWatches: { code: 18, request: 'RemoveWatchesRequest', response: 'Nothing' },
  createContainer: { code: 19, request: 'CreateRequest', response: 'Create2Response' },
  deleteContainer: { code: 20, request: 'DeleteContainerRequest', response: 'Nothing' },
  createTTL: { code: 21, request: 'CreateTTLRequest', response: 'Create2Response' },
  multiRead: { code: 22, request: 'Nothing', response: 'multi' },
  auth: { code: 100, request: 'AuthPacket', response: 'Nothing' },
  setWatches: { code: 101, request: 'SetWatches', response: 'Nothing' },
  sasl: { code: 102, request: 'GetSASLRequest', response: 'SetSASLResponse' },
  getEphemerals: { code: 103, request: 'GetEphemeralsRequest', response: 'GetEphemeralsResponse' },
  getAllChildrenNumber: {
    code: 104,
    request: 'GetAllChildrenNumberRequest',
    response: 'GetAllChildrenNumberResponse',
  },
  setWatches2: { code: 105, request: 'SetWatches2', response: 'Nothing' },
  addWatch: { code: 106, request: 'AddWatchRequest', response: 'ErrorResponse' },
  whoAmI: { code: 107, request: 'Nothing', response: 'WhoAmIResponse' },
  closeSession: { code: -11, request: 'Nothing', response: 'Nothing' },
} as const satisfies Record<string, Opcode>;

export type OpName = keyof typeof OPCODES;

const names = new Map<number, OpName>(
  (Object.entries(OPCODES) as [OpName, Opcode][]).map(([name, { code }]) => [code, name]),
);

/** undefined: no opcode of a client. */
export function opName(code: number): OpName | undefined {
  return names.get(code);
}

/** Request ids with a meaning of their own. */
export const XIDS = { event: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** Return codes that FaaSKeeper's table of errors has no name for (KeeperException.Code). */
export const CODES = {
  ok: 0,
  marshallingError: -5,
  unimplemented: -6,
  badArguments: -8,
  noNode: -101,
  authFailed: -115,
  noWatcher: -121,
  reconfigDisabled: -123,
  sessionClosedRequireAuth: -124,
} as const;

/** Watcher.Event.EventType. */
export const EVENT_CODES = { NodeCreated: 1, NodeDeleted: 2, NodeDataChanged: 3, NodeChildrenChanged: 4 } as const;
/** Watcher.Event.KeeperState. */
export const SYNC_CONNECTED = 3;
