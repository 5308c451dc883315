/** Commits transactions: compare-and-append, early acknowledgement, application to the system store. */
export { Writer } from './writer.ts';
