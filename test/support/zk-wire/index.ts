/** ZooKeeper's wire protocol for tests that talk to any server of it over raw TCP. */
export {
  type Address,
  type ConnectArguments,
  type Handshake,
  type Incoming,
  WireConnection,
  type WireRequest,
} from './connection.ts';
export type { Fields, Value } from './jute.ts';
export { encode, encodeRequest, type OperationName, operations, type Part } from './records.ts';
