/** ZooKeeper's wire format: records, opcodes, and readers and writers made from their table. */
export { decode, read, write } from './compile.ts';
export { JuteError, type JuteProblem } from './errors.ts';
export {
  type Part,
  type PartName,
  type PartResult,
  readMulti,
  readMultiResults,
  writeMulti,
  writeMultiResults,
} from './multi.ts';
export { CODES, EVENT_CODES, OPCODES, type OpName, opName, SYNC_CONNECTED, XIDS } from './opcodes.ts';
export { JuteReader } from './reader.ts';
export { type JuteRecord, type Long, RECORDS, type RecordName } from './records.ts';
export { JuteWriter } from './writer.ts';
