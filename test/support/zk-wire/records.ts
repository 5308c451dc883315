/**
 * The records of ZooKeeper's client protocol, written down from ZooKeeper's own zookeeper.jute and on purpose apart from
 * the gateway's table: a mistake in one of them shows as a difference.
 */
import { type Fields, JuteReader, JuteWriter, type RecordTable, type Value } from './jute.ts';

const table: RecordTable = {
  Stat: 'czxid:l mzxid:l ctime:l mtime:l version:i cversion:i aversion:i ephemeralOwner:l dataLength:i numChildren:i pzxid:l',
  Id: 'scheme:s id:s',
  Acl: 'perms:i id:Id',
  ClientInfo: 'authScheme:s user:s',
  ReplyHeader: 'xid:i zxid:l err:i',
  Event: 'type:i state:i path:s',
  ConnectRequest: 'protocolVersion:i lastZxidSeen:l timeoutMs:i sessionId:l password:d',
  ConnectReply: 'protocolVersion:i timeoutMs:i sessionId:l password:d',
  MultiHeader: 'type:i done:b err:i',
  None: '',
  Path: 'path:s',
  PathWatch: 'path:s watch:b',
  PathVersion: 'path:s version:i',
  PathType: 'path:s type:i',
  PathMode: 'path:s mode:i',
  Prefix: 'prefix:s',
  Create: 'path:s data:d acl:[Acl] flags:i',
  CreateTtl: 'path:s data:d acl:[Acl] flags:i ttl:l',
  SetData: 'path:s data:d version:i',
  SetAcl: 'path:s acl:[Acl] version:i',
  Auth: 'type:i scheme:s auth:d',
  Reconfig: 'joining:s leaving:s newMembers:s configId:l',
  SetWatches: 'relativeZxid:l dataWatches:[s] existWatches:[s] childWatches:[s]',
  SetWatches2:
    'relativeZxid:l dataWatches:[s] existWatches:[s] childWatches:[s] persistentWatches:[s] persistentRecursiveWatches:[s]',
  StatReply: 'stat:Stat',
  PathStat: 'path:s stat:Stat',
  DataStat: 'data:d stat:Stat',
  AclStat: 'acl:[Acl] stat:Stat',
  Children: 'children:[s]',
  ChildrenStat: 'children:[s] stat:Stat',
  Ephemerals: 'ephemerals:[s]',
  Count: 'count:i',
  WhoAmI: 'clientInfo:[ClientInfo]',
};

interface Operation {
  readonly code: number;
  readonly request: string;
  readonly reply: string;
  /** Other than the connection's next number. */
  readonly xid?: number;
}

export const operations = {
  create: { code: 1, request: 'Create', reply: 'Path' },
  delete: { code: 2, request: 'PathVersion', reply: 'None' },
  exists: { code: 3, request: 'PathWatch', reply: 'StatReply' },
  getData: { code: 4, request: 'PathWatch', reply: 'DataStat' },
  setData: { code: 5, request: 'SetData', reply: 'StatReply' },
  getACL: { code: 6, request: 'Path', reply: 'AclStat' },
  setACL: { code: 7, request: 'SetAcl', reply: 'StatReply' },
  getChildren: { code: 8, request: 'PathWatch', reply: 'Children' },
  sync: { code: 9, request: 'Path', reply: 'Path' },
  ping: { code: 11, request: 'None', reply: 'None', xid: -2 },
  getChildren2: { code: 12, request: 'PathWatch', reply: 'ChildrenStat' },
  check: { code: 13, request: 'PathVersion', reply: 'None' },
  multi: { code: 14, request: 'multi', reply: 'multi' },
  create2: { code: 15, request: 'Create', reply: 'PathStat' },
  reconfig: { code: 16, request: 'Reconfig', reply: 'DataStat' },
  checkWatches: { code: 17, request: 'PathType', reply: 'None' },
  removeWatches: { code: 18, request: 'PathType', reply: 'None' },
  createContainer: { code: 19, request: 'Create', reply: 'PathStat' },
  deleteContainer: { code: 20, request: 'Path', reply: 'None' },
  createTTL: { code: 21, request: 'CreateTtl', reply: 'PathStat' },
  multiRead: { code: 22, request: 'multi', reply: 'multi' },
  auth: { code: 100, request: 'Auth', reply: 'None', xid: -4 },
  setWatches: { code: 101, request: 'SetWatches', reply: 'None', xid: -8 },
  getEphemerals: { code: 103, request: 'Prefix', reply: 'Ephemerals' },
  getAllChildrenNumber: { code: 104, request: 'Path', reply: 'Count' },
  setWatches2: { code: 105, request: 'SetWatches2', reply: 'None', xid: -8 },
  addWatch: { code: 106, request: 'PathMode', reply: 'Count' },
  whoAmI: { code: 107, request: 'None', reply: 'WhoAmI' },
  closeSession: { code: -11, request: 'None', reply: 'None' },
  unknown: { code: 999, request: 'Path', reply: 'None' },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;
export const operationOf = (name: OperationName): Operation => operations[name];

/** One operation of a multi. */
export interface Part {
  readonly op: OperationName;
  readonly args: Fields;
}

const errorType = -1;
/** What a multi's results look like, by their type; an error is its code. */
const results: Readonly<Record<number, string>> = {
  [errorType]: 'Count',
  ...Object.fromEntries(Object.values(operations).map(({ code, reply }) => [code, reply])),
};

export const encode = (record: string, fields: Fields): Buffer => new JuteWriter(table).record(record, fields).bytes();

export function encodeRequest(xid: number, name: OperationName, args: Fields): Buffer {
  const { code, request } = operationOf(name);
  const writer = new JuteWriter(table).write('i', xid).write('i', code);
  if (request !== 'multi') return writer.record(request, args).bytes();
  for (const part of args.parts as unknown as readonly Part[]) {
    writer.record('MultiHeader', { type: operationOf(part.op).code, done: false, err: -1 });
    writer.record(operationOf(part.op).request, part.args);
  }
  return writer.record('MultiHeader', { type: -1, done: true, err: -1 }).bytes();
}

export interface Decoded {
  readonly fields: Fields;
  /** Bytes of the frame that the record did not ask for. */
  readonly rest: number;
}

export function decode(record: string, frame: Buffer): Decoded {
  const reader = new JuteReader(table, frame);
  const fields = record === 'multi' ? { results: readMulti(reader) } : reader.record(record);
  return { fields, rest: reader.remaining };
}

function readMulti(reader: JuteReader): Value[] {
  const list: Value[] = [];
  for (;;) {
    const header = reader.record('MultiHeader');
    if (header.done) return [...list, header];
    const record = results[header.type as number];
    if (record === undefined) throw new Error(`a multi's result of type ${String(header.type)}`);
    list.push({ ...header, result: reader.record(record) });
  }
}
