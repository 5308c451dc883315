/** What is certain about the changes of each node: pieced together from answers, and from what readers saw. */
import type { Call, Found, Operation, Timed } from '../history.ts';

/** A node had this state from `zxid` on. */
export interface Change {
  readonly path: string;
  readonly zxid: number;
  /** undefined: it was deleted. */
  readonly value: string | undefined;
  readonly version: number | undefined;
  /** The call that made it. */
  readonly call: Call;
}

/** Nodes that this operation writes, and with which values. */
export function writesOf(operation: Operation): readonly { readonly path: string; readonly value: string }[] {
  if (operation.f === 'multi') return operation.sets;
  return operation.f === 'read' || operation.f === 'delete' ? [] : [operation];
}

/** What a call found or left, if it was answered. */
export function nodesOf({ outcome }: Call): readonly Found[] {
  return outcome.type === 'ok' ? outcome.result.nodes : [];
}

export class Changes {
  /** By value: each is written once. */
  readonly #writers = new Map<string, Call>();
  readonly #byPath = new Map<string, Map<number, Change>>();
  readonly #sorted = new Map<string, readonly Change[]>();

  constructor(calls: readonly Call[], entries: readonly Timed[]) {
    for (const call of calls) for (const { value } of writesOf(call.operation)) this.#writers.set(value, call);
    for (const call of calls) {
      for (const node of nodesOf(call)) this.#learn(node);
      const { operation, outcome } = call;
      const zxid = outcome.type === 'ok' && outcome.result.error === undefined ? outcome.result.zxid : undefined;
      // The header of a delete's answer has the zxid of the deletion, or of what the session has seen since.
      if (operation.f === 'delete' && zxid !== undefined) this.#deletion(operation.path, zxid, call);
    }
    const final = entries.find((entry) => entry.type === 'final');
    for (const node of [...(final?.queue ?? []), ...(final?.nodes ?? [])]) if ('value' in node) this.#learn(node);
  }

  writerOf(value: string): Call | undefined {
    return this.#writers.get(value);
  }

  /** In order of zxid. */
  of(path: string): readonly Change[] {
    const known = this.#sorted.get(path);
    if (known !== undefined) return known;
    const sorted = [...(this.#byPath.get(path)?.values() ?? [])].toSorted((a, b) => a.zxid - b.zxid);
    this.#sorted.set(path, sorted);
    return sorted;
  }

  #learn({ path, value, version, mzxid }: Found): void {
    const call = this.#writers.get(value);
    if (call === undefined || value === '') return;
    this.#add({ path, zxid: mzxid, value, version, call });
    // A multi whose answer was lost: who saw one part of it knows when all of it was.
    if (call.operation.f !== 'multi') return;
    for (const part of call.operation.sets) {
      if (part.path !== path) this.#add({ ...part, zxid: mzxid, version: undefined, call });
    }
  }

  #deletion(path: string, zxid: number, call: Call): void {
    this.#add({ path, zxid, value: undefined, version: undefined, call });
  }

  #add(change: Change): void {
    const known = this.#byPath.get(change.path) ?? new Map<number, Change>();
    this.#byPath.set(change.path, known);
    if (known.get(change.zxid)?.version === undefined) known.set(change.zxid, change);
  }
}
