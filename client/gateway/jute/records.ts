/**
 * The records of ZooKeeper 3.9's client protocol (zookeeper.jute): the one table from which readers and writers are
 * made. Field types: `int`, `long`, `bool`, `ustring` and `buffer` (both may be null), `vector<…>` (may be null), or
 * another record; `bool?` is a last field that older peers leave out.
 */
export const RECORDS = {
  Id: { scheme: 'ustring', id: 'ustring' },
  ACL: { perms: 'int', id: 'Id' },
  Stat: {
    czxid: 'long',
    mzxid: 'long',
    ctime: 'long',
    mtime: 'long',
    version: 'int',
    cversion: 'int',
    aversion: 'int',
    ephemeralOwner: 'long',
    dataLength: 'int',
    numChildren: 'int',
    pzxid: 'long',
  },
  ClientInfo: { authScheme: 'ustring', user: 'ustring' },

  ConnectRequest: {
    protocolVersion: 'int',
    lastZxidSeen: 'long',
    timeOut: 'int',
    sessionId: 'long',
    passwd: 'buffer',
    readOnly: 'bool?',
  },
  ConnectResponse: { protocolVersion: 'int', timeOut: 'int', sessionId: 'long', passwd: 'buffer', readOnly: 'bool?' },
  RequestHeader: { xid: 'int', type: 'int' },
  ReplyHeader: { xid: 'int', zxid: 'long', err: 'int' },
  MultiHeader: { type: 'int', done: 'bool', err: 'int' },
  AuthPacket: { type: 'int', scheme: 'ustring', auth: 'buffer' },
  WatcherEvent: { type: 'int', state: 'int', path: 'ustring' },
  ErrorResponse: { err: 'int' },
  Nothing: {},

  CreateRequest: { path: 'ustring', data: 'buffer', acl: 'vector<ACL>', flags: 'int' },
  CreateTTLRequest: { path: 'ustring', data: 'buffer', acl: 'vector<ACL>', flags: 'int', ttl: 'long' },
  CreateResponse: { path: 'ustring' },
  Create2Response: { path: 'ustring', stat: 'Stat' },
  DeleteRequest: { path: 'ustring', version: 'int' },
  DeleteContainerRequest: { path: 'ustring' },
  ExistsRequest: { path: 'ustring', watch: 'bool' },
  ExistsResponse: { stat: 'Stat' },
  GetDataRequest: { path: 'ustring', watch: 'bool' },
  GetDataResponse: { data: 'buffer', stat: 'Stat' },
  SetDataRequest: { path: 'ustring', data: 'buffer', version: 'int' },
  SetDataResponse: { stat: 'Stat' },
  GetACLRequest: { path: 'ustring' },
  GetACLResponse: { acl: 'vector<ACL>', stat: 'Stat' },
  SetACLRequest: { path: 'ustring', acl: 'vector<ACL>', version: 'int' },
  SetACLResponse: { stat: 'Stat' },
  GetChildrenRequest: { path: 'ustring', watch: 'bool' },
  GetChildrenResponse: { children: 'vector<ustring>' },
  GetChildren2Request: { path: 'ustring', watch: 'bool' },
  GetChildren2Response: { children: 'vector<ustring>', stat: 'Stat' },
  SyncRequest: { path: 'ustring' },
  SyncResponse: { path: 'ustring' },
  CheckVersionRequest: { path: 'ustring', version: 'int' },
  ReconfigRequest: { joiningServers: 'ustring', leavingServers: 'ustring', newMembers: 'ustring', curConfigId: 'long' },
  CheckWatchesRequest: { path: 'ustring', type: 'int' },
  RemoveWatchesRequest: { path: 'ustring', type: 'int' },
  SetWatches: {
    relativeZxid: 'long',
    dataWatches: 'vector<ustring>',
    existWatches: 'vector<ustring>',
    childWatches: 'vector<ustring>',
  },
  SetWatches2: {
    relativeZxid: 'long',
    dataWatches: 'vector<ustring>',
    existWatches: 'vector<ustring>',
    childWatches: 'vector<ustring>',
    persistentWatches: 'vector<ustring>',
    persistentRecursiveWatches: 'vector<ustring>',
  },
  AddWatchRequest: { path: 'ustring', mode: 'int' },
  GetEphemeralsRequest: { prefixPath: 'ustring' },
  GetEphemeralsResponse: { ephemerals: 'vector<ustring>' },
  GetAllChildrenNumberRequest: { path: 'ustring' },
  GetAllChildrenNumberResponse: { totalNumber: 'int' },
  WhoAmIResponse: { clientInfo: 'vector<ClientInfo>' },
  GetSASLRequest: { token: 'buffer' },
  SetSASLResponse: { token: 'buffer' },
} as const;

export type RecordName = keyof typeof RECORDS;

/** 64 bits: a number where it is exact, else a bigint. What FaaSKeeper gives out is always a number. */
export type Long = number | bigint;

type Value<Type> = Type extends 'int'
  ? number
  : Type extends 'long'
    ? Long
    : Type extends 'bool'
      ? boolean
      : Type extends 'ustring'
        ? string | null
        : Type extends 'buffer'
          ? Uint8Array | null
          : Type extends `vector<${infer Element}>`
            ? readonly Value<Element>[] | null
            : Type extends RecordName
              ? JuteRecord<Type>
              : never;

type Fields = typeof RECORDS;

/** What a record of that name holds. */
export type JuteRecord<Name extends RecordName> = {
  readonly [Field in keyof Fields[Name] as Fields[Name][Field] extends 'bool?' ? never : Field]: Value<
    Fields[Name][Field]
  >;
} & { readonly [Field in keyof Fields[Name] as Fields[Name][Field] extends 'bool?' ? Field : never]?: boolean };
