/** FaaSKeeper's client: sessions, operations, watches and an exact near-cache. */
export {
  AbortedError,
  type Acl,
  type AclResult,
  AuthFailedError,
  BadArgumentsError,
  BadVersionError,
  ConnectionLossError,
  CREATE_MODES,
  CREATOR_ALL_ACL,
  type CreateMode,
  type CreateResult,
  DamagedError,
  type ErrorCode,
  FaaSKeeperError,
  HaltedError,
  type Identity,
  InvalidAclError,
  isFaaSKeeperError,
  MarshallingError,
  type MultiOperationResult,
  NewerFormatError,
  NoAuthError,
  NoChildrenForEphemeralsError,
  NodeExistsError,
  NoNodeError,
  NotEmptyError,
  NoWatcherError,
  OPEN_ACL_UNSAFE,
  OperationTimeoutError,
  Permission,
  QuotaExceededError,
  READ_ACL_UNSAFE,
  type RegistrationInfo,
  type RegistrationKind,
  SessionExpiredError,
  SessionMovedError,
  type Stat,
  SystemError,
  ThrottledError,
  UnimplementedError,
} from '@faaskeeper/protocol';
export type { CreateArguments, Data, MultiOp } from './arguments.ts';
export { readBinding } from './binding.ts';
export type { ClientEvents } from './engine.ts';
export { FaaSKeeper } from './faaskeeper.ts';
export { MultiError, type MultiOutcome, type Transaction } from './multi.ts';
export type { Binding, ConnectOptions } from './options.ts';
export type { Clock, Messaging, ObjectReader, Outside, Random, Subscription, Timer } from './ports.ts';
export type { ReadKind } from './reads/node-state.ts';
export type { SessionState } from './session/states.ts';
export type { ClientSpan, ClientTracer } from './tracing.ts';
export type { NatsCreds, NatsOptions, RedisLogin, RedisOptions, S3Keys, S3Options } from './transport/index.ts';
export type {
  ChildrenResult,
  CreateOptions,
  DataResult,
  ReadOp,
  ReadOpResult,
  ReadOptions,
  SeamOptions,
  WatchOptions,
} from './types.ts';
export type { CallOptions } from './waiting.ts';
export type { AddWatchMode, WatchCallback, WatchEvent, WatchEventType, WatchKind } from './watches/events.ts';
