import type { Operation } from '@faaskeeper/protocol';
import { decodeLogPayload, type LogEntry, type Transaction } from '../../../functions/core/log-entry.ts';
import { canonical, type History, same } from '../history.ts';
import { Model, ModelError } from '../model.ts';
import type { Surroundings } from '../surroundings.ts';

/** Operations that have a transaction with a zxid of their own. */
const CHANGING = new Set<Operation['type']>(['create', 'delete', 'setData', 'setACL', 'multi', 'closeSession']);

export interface JudgedTransaction {
  readonly transaction: Transaction;
  readonly operation: Operation;
  readonly generation: number;
  /** When it was committed, ms. */
  readonly time: number;
}

export interface JudgedLog {
  readonly model: Model;
  readonly entries: readonly LogEntry[];
  /** By `session/number`. */
  readonly transactions: ReadonlyMap<string, JudgedTransaction>;
  /** Of attachments, by `session/generation`. */
  readonly tokens: ReadonlyMap<string, string>;
  /** zxid after each LOG sequence; [0] is before the first. */
  readonly zxids: readonly number[];
  /** Sessions that are over: when (ms), and by which zxid. `expired`: the system ended it. */
  readonly ended: ReadonlyMap<number, { readonly time: number; readonly zxid: number; readonly expired: boolean }>;
}

/**
 * Walks through LOG as it was appended and has the model do each request: every transaction must be one that a session
 * asked for, at most once, in its session's order, with the outcome that ZooKeeper gives it.
 */
export function judgeLog(world: Surroundings, history: History, violations: string[]): JudgedLog {
  return new LogJudge(history, violations, world.clockSkew).judge(world);
}

class LogJudge {
  readonly #history: History;
  readonly #violations: string[];
  readonly #model: Model;
  readonly #transactions = new Map<string, JudgedTransaction>();
  readonly #ended = new Map<number, { time: number; zxid: number; expired: boolean }>();
  readonly #generations = new Map<number, number>();
  readonly #tokens = new Map<string, string>();
  /** By token of an attachment. */
  readonly #sessionsOf = new Map<string, number>();
  readonly #lastNumber = new Map<number, number>();
  #zxid = 0;

  constructor(history: History, violations: string[], clockSkew: number) {
    this.#history = history;
    this.#model = new Model(clockSkew);
    this.#violations = violations;
  }

  judge({ log }: Surroundings): JudgedLog {
    const entries: LogEntry[] = [];
    const zxids = [0];
    for (const { payload, sequence, time } of log.all) {
      const decoded = decodeLogPayload(payload);
      if (decoded.in !== 'message') throw new Error('The simulation does not expect entries in user storage');
      const { entry } = decoded;
      entries.push(entry);
      if (entry.zxidBefore !== this.#zxid)
        this.#violations.push(`LOG ${sequence} follows zxid ${entry.zxidBefore}, but the last one was ${this.#zxid}`);
      for (const transaction of entry.transactions) this.#transaction(transaction, entry, time);
      if (entry.zxid !== this.#zxid)
        this.#violations.push(`LOG ${sequence} says it ends with zxid ${entry.zxid}, not ${this.#zxid}`);
      zxids.push(this.#zxid);
    }
    return {
      model: this.#model,
      entries,
      transactions: this.#transactions,
      tokens: this.#tokens,
      zxids,
      ended: this.#ended,
    };
  }

  #wrong(transaction: Transaction, what: string): void {
    this.#violations.push(`Transaction ${transaction.zxid} of session ${transaction.session}: ${what}`);
  }

  #transaction(transaction: Transaction, entry: LogEntry, time: number): void {
    const { zxid, number } = transaction;
    if (zxid !== this.#zxid && zxid !== this.#zxid + 1) this.#wrong(transaction, `follows zxid ${this.#zxid}`);
    const isNew = zxid === this.#zxid + 1;
    this.#zxid = zxid;
    if (number > 0) this.#request(transaction, { entry, time, isNew });
    else this.#ofSystem(transaction, entry, time);
    for (const effect of transaction.effects) {
      if (effect.type !== 'session') continue;
      const { id, generation, token } = effect.session;
      const known = this.#sessionsOf.get(token) ?? id;
      // One that ended before anybody used it may be asked for again, and be forgotten by then.
      if (known !== id && !this.#ended.has(known))
        this.#wrong(transaction, `opened session ${id} for whom session ${known} had been opened`);
      this.#sessionsOf.set(token, id);
      this.#generations.set(id, generation);
      this.#tokens.set(`${id}/${generation}`, token);
    }
  }

  /** What a session asked for. */
  #request(transaction: Transaction, { entry, time, isNew }: { entry: LogEntry; time: number; isNew: boolean }): void {
    const { session, number, zxid } = transaction;
    const generation = this.#generations.get(session) ?? 0;
    const operation = this.#history.requests.get(`${session}/${generation}/${number}`);
    if (operation === undefined) {
      this.#wrong(transaction, `request ${number} was never sent`);
      return;
    }
    const last = this.#lastNumber.get(session) ?? 0;
    if (number <= last) {
      this.#wrong(transaction, `request ${number} was done twice, or out of order (${last})`);
      return;
    }
    if (number > last + 1) this.#wrong(transaction, `request ${number} came before ${last + 1}`);
    this.#lastNumber.set(session, number);
    if (!CHANGING.has(operation.type)) return;
    if (!isNew) this.#wrong(transaction, 'has no zxid of its own');
    if (this.#ended.has(session)) this.#wrong(transaction, 'its session had ended');
    this.#transactions.set(`${session}/${number}`, { transaction, operation, generation, time });
    const moment = { zxid, time: entry.time, session };
    if (operation.type === 'closeSession') {
      this.#end(transaction, session, moment, { time, expired: false });
      return;
    }
    const expected = this.#expect(operation, moment);
    if (!same({ error: transaction.error, result: transaction.result }, expected))
      this.#wrong(
        transaction,
        `${operation.type} came to ${canonical([transaction.error, transaction.result])}, not ${canonical([expected.error, expected.result])}`,
      );
  }

  #expect(
    operation: Operation,
    moment: { zxid: number; time: number; session: number },
  ): { error?: string; result?: unknown } {
    try {
      const result = this.#model.execute(operation, moment);
      return operation.type === 'delete' || result === undefined ? {} : { result };
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return { error: error.code, ...(error.codes === undefined ? {} : { result: error.codes }) };
    }
  }

  /** Sessions opened, attached and expired; containers that are swept. */
  #ofSystem(transaction: Transaction, entry: LogEntry, time: number): void {
    const { zxid, effects } = transaction;
    if (zxid === 0) return;
    const moment = { zxid, time: entry.time, session: 0 };
    const session = effects.find((effect) => effect.type === 'session')?.session;
    if (session !== undefined) {
      if (session.ended > 0) this.#end(transaction, session.id, moment, { time, expired: true });
      else if (this.#ended.has(session.id)) this.#wrong(transaction, `session ${session.id} came back`);
      return;
    }
    for (const effect of effects) {
      if (effect.type === 'delete' && !this.#model.sweep(effect.path, moment))
        this.#wrong(transaction, `${effect.path} was swept, but was not due`);
    }
  }

  #end(
    transaction: Transaction,
    session: number,
    moment: { zxid: number; time: number; session: number },
    { time, expired }: { time: number; expired: boolean },
  ): void {
    if (this.#ended.has(session)) this.#wrong(transaction, `session ${session} ended twice`);
    this.#ended.set(session, { time, zxid: moment.zxid, expired });
    const gone = this.#model.endSession(session, moment);
    const deleted = transaction.effects.flatMap((effect) => (effect.type === 'delete' ? [effect.path] : []));
    if (!same([...gone].sort(), [...deleted].sort()))
      this.#wrong(transaction, `with session ${session} went ${deleted}, not its ephemerals ${gone}`);
  }
}
