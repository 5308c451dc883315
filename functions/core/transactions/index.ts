/** ZooKeeper's semantics: what a batch of requests comes to, given the state. Pure. */
export type { Deferred } from './execute.ts';
export { genesis } from './genesis.ts';
export { decodeIncoming, type Incoming } from './incoming.ts';
export { type Addressee, type Circumstances, type DeadLetter, type Judged, judge, type PendingReply } from './judge.ts';
export { foreseen } from './prefetch.ts';
export type { Subtree } from './quotas.ts';
export { hex, sameBytes } from './sessions.ts';
export * from './state.ts';
export { TOTALS_KEY } from './totals.ts';
