import {
  type Attach,
  type CreateSession,
  type ErrorCode,
  type InstanceSpec,
  LIMITS,
  MarshallingError,
  type Operation,
  operationSchema,
  type Reply,
  type Requests,
  type SealedMessage,
  type SystemOperation,
  sessionToken,
  validate,
} from '@faaskeeper/protocol';
import type { SessionTicket } from '../invocations.ts';
import type { Effect, Progress, SessionRecord, Totals, Transaction } from '../log-entry.ts';
import type { Logger } from '../ports.ts';
import { type Deferred, execute, isQuery, MultiRefusal, type Outcome, takesZxid } from './execute.ts';
import type { Incoming } from './incoming.ts';
import { type Context, Refusal } from './rules.ts';
import { attachSession, hex, type Opening, openSession, sameBytes } from './sessions.ts';
import { Draft, type Missing, resultKey, type Source } from './state.ts';
import { executeSystem } from './system.ts';
import { TOTALS_KEY } from './totals.ts';

export interface Circumstances {
  readonly spec: InstanceSpec;
  /** ms */
  readonly time: number;
  /** Last zxid before the batch. */
  readonly zxid: number;
  /** Newest watermark known, for those who open a session. */
  readonly watermark: number;
  readonly logger: Logger;
  /** A new session's password, 16 bytes; the same at each call for one batch, as batches are judged repeatedly. */
  password(index: number): Uint8Array;
}

/** To whom a message goes: one attachment of a session. */
export interface Addressee {
  readonly token: string;
  readonly key: Uint8Array;
  readonly generation: number;
}

export interface PendingReply {
  readonly to: Addressee;
  readonly reply: Reply;
  readonly deferred?: Deferred;
}

export interface DeadLetter {
  readonly reason: string;
  readonly subject: string;
  readonly payload: Uint8Array;
}

/** What a batch comes to, if its append succeeds. */
export interface Judged {
  readonly draft: Draft;
  readonly zxid: number;
  /** ms; of all its transactions. */
  readonly time: number;
  readonly transactions: readonly Transaction[];
  readonly progress: readonly Progress[];
  /** null: not known. */
  readonly totals: Totals | null;
  readonly replies: readonly PendingReply[];
  readonly notices: readonly { readonly to: Addressee; readonly message: SealedMessage }[];
  readonly sessions: readonly SessionTicket[];
  readonly deadLetters: readonly DeadLetter[];
}

/** Judges a batch, or says what must be loaded first. Pure: the same input gives the same output. */
export function judge(
  incoming: readonly Incoming[],
  source: Source,
  circumstances: Circumstances,
): { judged: Judged } | { missing: readonly Missing[] } {
  const missing: Missing[] = [];
  const batch = new Batch(new Draft(source, missing), circumstances);
  batch.run(incoming);
  return missing.length > 0 ? { missing } : { judged: batch.judged() };
}

class Batch {
  readonly #draft: Draft;
  readonly #circumstances: Circumstances;
  #zxid: number;
  #passwords = 0;
  readonly #transactions: Transaction[] = [];
  readonly #confirmedFrom = new Map<number, number>();
  readonly #replies: PendingReply[] = [];
  readonly #notices: { to: Addressee; message: SealedMessage }[] = [];
  readonly #sessions = new Map<number, SessionTicket>();
  readonly #deadLetters: DeadLetter[] = [];
  /** Something was refused, or left alone, by what may be an outdated state. */
  #unproven = false;

  constructor(draft: Draft, circumstances: Circumstances) {
    this.#draft = draft;
    this.#circumstances = circumstances;
    this.#zxid = circumstances.zxid;
  }

  judged(): Judged {
    // Only an append proves that the state was the newest (invariant 1).
    if (this.#unproven && this.#transactions.length === 0) this.#commit({ effects: [] });
    const progress = [...this.#confirmedFrom].map(([session, confirmedFrom]) => ({
      session,
      ...this.#draft.progress(session),
      confirmedFrom,
    }));
    return {
      draft: this.#draft,
      zxid: this.#zxid,
      time: this.#circumstances.time,
      transactions: this.#transactions,
      progress,
      totals: this.#draft.get('total', TOTALS_KEY),
      replies: this.#replies,
      notices: this.#notices,
      sessions: [...this.#sessions.values()],
      deadLetters: this.#deadLetters,
    };
  }

  /** Requests that come before their predecessors wait until the rest of the batch is done (invariant 4). */
  run(incoming: readonly Incoming[]): void {
    // Every entry carries them, whatever it changes.
    if (incoming.length > 0) this.#draft.get('total', TOTALS_KEY);
    let early: Requests[] = [];
    for (const message of incoming) {
      if (message.type !== 'requests') this.#other(message);
      else if (!this.#requests(message)) early.push(message);
    }
    for (let before = Number.POSITIVE_INFINITY; early.length > 0 && early.length < before; ) {
      before = early.length;
      early = early.filter((message) => !this.#requests(message));
    }
    for (const message of early) this.#gap(message);
  }

  #other(message: Exclude<Incoming, Requests>): void {
    switch (message.type) {
      case 'createSession':
        this.#createSession(message);
        break;
      case 'attach':
        this.#attach(message);
        break;
      case 'system':
        this.#system(message.operation);
        break;
      case 'poison':
        this.#deadLetters.push(message);
        this.#commit({ error: 'MarshallingError', effects: [] });
    }
  }

  #createSession(message: Opening<CreateSession>): void {
    const nonce = hex(message.nonce);
    const known = this.#draft.get('nonce', nonce);
    if (known !== null) {
      const session = this.#draft.session(known);
      if (session !== null && session.ended === 0) this.#opened(session);
      else this.#refuse(message, 'SessionExpired', 1);
      return;
    }
    const password = this.#circumstances.password(this.#passwords++);
    const context = this.#context(this.#zxid + 1);
    const nested = this.#draft.nested();
    let session: SessionRecord;
    try {
      session = openSession(nested, message, context, this.#circumstances.spec, password);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(message, error.code, 1);
      return;
    }
    this.#draft.merge(nested);
    this.#zxid += 1;
    this.#commit({ session: session.id, effects: nested.effects });
    this.#opened(session);
  }

  /** ZooKeeper answers a wrong password and an unknown session alike; neither harms the session. */
  #attach(message: Opening<Attach>): void {
    const session = this.#draft.session(message.session);
    if (session === null || session.ended > 0 || !sameBytes(session.password, message.password)) {
      this.#refuse(message, 'SessionExpired', 0);
      return;
    }
    const token = sessionToken(message.nonce, message.mailbox);
    if (session.token === token) {
      this.#opened(session);
      return;
    }
    if (session.superseded?.includes(token)) {
      this.#refuse(message, 'SessionMoved', session.generation);
      return;
    }
    const nested = this.#draft.nested();
    const attached = attachSession(nested, message, session, this.#circumstances.spec);
    this.#draft.merge(nested);
    this.#commit({ session: session.id, effects: nested.effects });
    const moved = { type: 'refused', error: 'SessionMoved', generation: session.generation } as const;
    this.#notices.push({ to: session, message: moved });
    this.#opened(attached);
  }

  #opened(session: SessionRecord): void {
    const { last } = this.#draft.progress(session.id);
    const { watermark } = this.#circumstances;
    const { id, generation, password, timeout, heldSince = 1 } = session;
    this.#notices.push({
      to: session,
      message: {
        type: 'opened',
        session: id,
        generation,
        password,
        timeout,
        zxid: this.#zxid,
        next: last + 1,
        heldSince,
        watermark,
      },
    });
    this.#ticket(session);
  }

  #refuse(message: Opening<CreateSession | Attach>, error: ErrorCode, generation: number): void {
    this.#unproven = true;
    const to = { token: sessionToken(message.nonce, message.mailbox), key: message.key, generation };
    this.#notices.push({ to, message: { type: 'refused', error, generation } });
  }

  #ticket({ id, generation, token, password, timeout, ended }: SessionRecord): void {
    this.#sessions.set(id, { id, generation, token, password, timeout: ended > 0 ? 0 : timeout, ended });
  }

  #system(operation: SystemOperation): void {
    const context = this.#context(this.#zxid + 1);
    const nested = this.#draft.nested();
    try {
      const session = executeSystem(nested, operation, context);
      this.#draft.merge(nested);
      if (operation.type !== 'forget') this.#zxid += 1;
      const progress = operation.type === 'forget' ? this.#draft.progress(operation.session) : undefined;
      if (progress !== undefined) this.#confirm(operation as { session: number }, progress.last, progress.last + 1);
      this.#commit({ effects: nested.effects });
      if (session !== undefined) this.#ended(session);
    } catch (error) {
      // What it was decided on is no longer so: the decision is void (invariant 11).
      if (!(error instanceof Refusal)) throw error;
      this.#unproven = true;
    }
  }

  #ended(session: SessionRecord): void {
    const ended = this.#draft.session(session.id);
    if (ended !== null) this.#ticket(ended);
    this.#notices.push({
      to: session,
      message: { type: 'refused', error: 'SessionExpired', generation: session.generation },
    });
  }

  /** False when a predecessor is missing. */
  #requests(message: Requests): boolean {
    const session = this.#draft.session(message.session);
    // Not to be answered: nobody to be found, or somebody who does not hold the session.
    if (session !== null && !sameBytes(session.password, message.password)) return true;
    if (message.generation !== session?.generation) {
      this.#unproven = true;
      return true;
    }
    if (message.first > this.#draft.progress(session.id).last + 1) return false;
    for (const [index, raw] of message.operations.entries()) {
      this.#request(message, message.first + index, raw);
    }
    return true;
  }

  #request(message: Requests, number: number, raw: unknown): void {
    // Read each time: addAuth and closeSession change it within one message.
    const session = this.#draft.session(message.session);
    if (session === null) return;
    const { last, lowest } = this.#draft.progress(session.id);
    if (number <= last) {
      this.#repeat(session, number, lowest, raw);
      return;
    }
    if (session.ended > 0) {
      this.#unproven = true;
      const expired = { type: 'refused', error: 'SessionExpired', generation: session.generation } as const;
      this.#notices.push({ to: session, message: expired });
      return;
    }
    if (number >= message.lowest + 2 * LIMITS.outstandingRequests) {
      this.#gap(message);
      return;
    }
    this.#confirm(message, number, Math.max(lowest, Math.min(message.lowest, number)));
    this.#execute(session, number, raw);
  }

  /** A request that was committed before returns its first result; a query is made again. */
  #repeat(session: SessionRecord, number: number, lowest: number, raw: unknown): void {
    if (number < lowest) return;
    const operation = this.#operation(raw);
    if (operation !== undefined && isQuery(operation.type)) {
      const [reply, deferred] = this.#query(session, number, operation);
      this.#reply(session, reply, deferred);
      return;
    }
    const kept = this.#draft.get('result', resultKey(session.id, number));
    if (kept === null) return;
    const { zxid, error, result } = kept;
    this.#reply(session, {
      number,
      zxid,
      ...(error === undefined ? {} : { error: error as ErrorCode }),
      ...(result === undefined ? {} : { result }),
    });
  }

  #operation(raw: unknown): Operation | undefined {
    try {
      return validate(operationSchema, raw, 'operation');
    } catch (error) {
      if (error instanceof MarshallingError) return undefined;
      throw error;
    }
  }

  #query(session: SessionRecord, number: number, operation: Operation): [Reply, Deferred | undefined] {
    const context = this.#context(this.#zxid, session);
    try {
      const outcome = execute(this.#draft.nested(), operation, session, context, { number, superDigest: undefined });
      const result = outcome.result === undefined ? {} : { result: outcome.result };
      return [{ number, zxid: this.#zxid, ...result }, outcome.deferred];
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return [{ number, zxid: this.#zxid, error: error.code }, undefined];
    }
  }

  #execute(session: SessionRecord, number: number, raw: unknown): void {
    const operation = this.#operation(raw);
    const zxid = this.#zxid + (operation === undefined || takesZxid(operation.type) ? 1 : 0);
    const nested = this.#draft.nested();
    let outcome: Outcome & { error?: ErrorCode } = {};
    if (operation === undefined) outcome = this.#malformed(session, raw);
    else {
      try {
        const { superDigest } = this.#circumstances.spec;
        outcome = execute(nested, operation, session, this.#context(zxid, session), { number, superDigest });
        this.#draft.merge(nested);
      } catch (error) {
        outcome = this.#failure(error, session, raw);
      }
    }
    this.#zxid = zxid;
    const kept = outcome.result === undefined ? {} : { result: outcome.result };
    const failed = outcome.error === undefined ? {} : { error: outcome.error };
    const effects: readonly Effect[] = outcome.error === undefined ? nested.effects : [];
    // What a query found is not kept: asked again, it is answered anew.
    const lasting = operation !== undefined && isQuery(operation.type) ? {} : kept;
    this.#commit({ session: session.id, number, effects, ...lasting, ...failed });
    this.#reply(session, { number, zxid, ...kept, ...failed }, outcome.deferred);
    if (operation?.type === 'closeSession' && outcome.error === undefined) {
      const ended = this.#draft.session(session.id);
      if (ended !== null) this.#ticket(ended);
    }
  }

  #malformed(session: SessionRecord, raw: unknown): { error: ErrorCode } {
    this.#bury(session, raw, 'the operation does not fit its schema');
    return { error: 'BadArguments' };
  }

  #failure(error: unknown, session: SessionRecord, raw: unknown): { error: ErrorCode; result?: unknown } {
    if (error instanceof MultiRefusal) return { error: error.code, result: error.codes };
    if (error instanceof Refusal) return { error: error.code };
    // Ours, not the client's: committed and kept, so that one bad request cannot stop the lane (invariant 14).
    this.#circumstances.logger.error({ err: error, session: session.id }, 'a request could not be judged');
    this.#bury(session, raw, error instanceof Error ? error.message : String(error));
    return { error: 'SystemError' };
  }

  #bury(session: SessionRecord, raw: unknown, reason: string): void {
    const payload = new TextEncoder().encode(
      JSON.stringify(raw, (_, value) => (value instanceof Uint8Array ? `${value.length} bytes` : value)),
    );
    this.#deadLetters.push({ reason, subject: `session ${session.id}`, payload });
  }

  #confirm({ session }: { session: number }, last: number, lowest: number): void {
    const before = this.#draft.progress(session).lowest;
    if (!this.#confirmedFrom.has(session)) this.#confirmedFrom.set(session, before);
    this.#draft.set('progress', String(session), [last, lowest]);
  }

  #gap({ session: id }: Requests): void {
    const session = this.#draft.session(id);
    this.#unproven = true;
    if (session === null || session.ended > 0) return;
    const from = this.#draft.progress(id).last + 1;
    this.#notices.push({ to: session, message: { type: 'gap', generation: session.generation, from } });
  }

  #reply(session: SessionRecord, reply: Reply, deferred?: Deferred): void {
    this.#replies.push({ to: session, reply, ...(deferred === undefined ? {} : { deferred }) });
  }

  #commit(transaction: Partial<Transaction> & { effects: readonly Effect[] }): void {
    const committed: Transaction = { session: 0, number: 0, ...transaction, zxid: this.#zxid };
    this.#transactions.push(committed);
    if (committed.number === 0) return;
    const { zxid, error, result } = committed;
    this.#draft.set('result', resultKey(committed.session, committed.number), {
      zxid,
      ...(error === undefined ? {} : { error }),
      ...(result === undefined ? {} : { result }),
    });
  }

  #context(zxid: number, session?: SessionRecord): Context {
    const { time, spec } = this.#circumstances;
    const { limits, enforceQuota } = spec;
    return { zxid, time, session: session?.id ?? 0, identities: session?.identities ?? [], limits, enforceQuota };
  }
}
