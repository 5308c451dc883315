import { type Beat, beatSchema, decode, decodeAs, encode, type InstanceSpec, subjects } from '@faaskeeper/protocol';
import {
  EVENT_TYPES,
  type SessionTicket,
  type SuspectsAnswer,
  type SuspectsInvocation,
  suspectsAnswerSchema,
} from '../invocations.ts';
import type { SessionRecord } from '../log-entry.ts';
import { at } from '../tables.ts';
import { TRIGGER } from './bounds.ts';
import type { TriggerOutside } from './ports.ts';
import { SessionTable } from './session-table.ts';

/** What a beat's answer tells besides that it was heard. */
export interface Told {
  readonly watermark: number;
  readonly halted: string | undefined;
}

/**
 * The sessions of an instance: answers their beats, suspects the silent ones, and lets go of those that ended. What it
 * knows comes from the applied state and the writer's answers.
 */
export class Sessions {
  readonly #outside: TriggerOutside;
  readonly #instance: string;
  readonly #names: ReturnType<typeof subjects>;
  readonly #told: () => Told;
  readonly #table = new SessionTable();
  /** Ended sessions, by id: when they are due to be forgotten (ms). */
  readonly #ended = new Map<number, number>();
  readonly #unknown = new Set<number>();
  /** Suspects that the applied state lacked when they were asked for. */
  readonly #missing = new Set<number>();
  #subscription: { close(): void } | undefined;
  #suspecting = false;
  #lookedUp = Number.NEGATIVE_INFINITY;
  #lookingUp = false;

  constructor(outside: TriggerOutside, spec: InstanceSpec, told: () => Told) {
    this.#outside = outside;
    this.#instance = spec.id;
    this.#names = subjects(spec.id);
    this.#told = told;
  }

  get count(): number {
    return this.#table.size;
  }

  open(): void {
    const { notifications } = this.#outside;
    this.#subscription ??= notifications.subscribe(this.#names.beats, (payload, subject) =>
      this.#beat(payload, subject),
    );
  }

  close(): void {
    this.#subscription?.close();
    this.#subscription = undefined;
    this.#table.clear();
    this.#ended.clear();
    this.#unknown.clear();
    this.#missing.clear();
  }

  /** Takes over the applied state; what is known already is not refreshed. */
  async load(): Promise<void> {
    for await (const page of this.#outside.system.scan('session', '')) {
      for (const [, value] of page) this.#learn(decode(value, 'session') as SessionRecord);
    }
    this.#report();
  }

  /** The writer opened, attached or ended these. */
  update(tickets: readonly SessionTicket[]): void {
    if (tickets.length === 0) return;
    for (const ticket of tickets) this.#take(ticket);
    this.#report();
  }

  /** Nobody could be heard until now. */
  grace(): void {
    this.#table.grace(this.#outside.clock.now());
  }

  /** Looks at what is due; to be called every tick. */
  tick(): void {
    if (this.#unknown.size > 0) void this.#lookUpUnknown();
    if (this.#suspecting) return;
    const due = this.#table.due(this.#outside.clock.now(), TRIGGER.suspectsPerCall);
    if (due.length > 0) void this.#suspect(due);
  }

  /** Nobody is known, not even of those that have ended. */
  get isEmpty(): boolean {
    return this.#table.size === 0 && this.#ended.size === 0 && this.#unknown.size === 0;
  }

  /** Some ended session is due to be forgotten. */
  hasForgettable(): boolean {
    for (const dueAt of this.#ended.values()) return dueAt <= this.#outside.clock.now();
    return false;
  }

  /** Ended sessions that may be forgotten, at most `limit`; each is offered again until the applied state lacks it. */
  async forgettable(limit: number): Promise<number[]> {
    const { clock, system } = this.#outside;
    const now = clock.now();
    const due: number[] = [];
    for (const [id, dueAt] of this.#ended) {
      if (dueAt > now || due.length >= limit) break;
      due.push(id);
    }
    if (due.length === 0) return [];
    const { state, values } = await system.read(due.map((id) => at.session(id)));
    return due.filter((id, i) => {
      // The map stays in order of time: what is offered again goes to its end.
      this.#ended.delete(id);
      const exists = values[i] !== null || state === undefined;
      if (exists) this.#ended.set(id, now + TRIGGER.forgetAfterMs);
      return exists;
    });
  }

  #beat(payload: Uint8Array, subject: string): void {
    const id = Number(subject.slice(subject.lastIndexOf('.') + 1));
    if (!Number.isSafeInteger(id)) return;
    let beat: Beat;
    try {
      beat = decodeAs(beatSchema, payload, 'beat');
    } catch (err) {
      this.#outside.logger.debug({ err, session: id }, 'a beat cannot be read');
      return;
    }
    const ticket = this.#table.get(id);
    if (ticket === undefined || beat.generation > ticket.generation) {
      if (!this.#ended.has(id) && this.#unknown.size < TRIGGER.unknownSessions) this.#unknown.add(id);
      return;
    }
    if (beat.generation !== ticket.generation || !sameBytes(beat.password, ticket.password)) return;
    this.#table.refresh(id, this.#outside.clock.now());
    const { watermark, halted } = this.#told();
    const answer = { type: 'beat', id: beat.id, watermark, ...(halted === undefined ? {} : { halted }) };
    this.#outside.notifications.publish(this.#names.session(ticket.token), encode(answer));
  }

  /** Beats of sessions that the table lacks: they are in the applied state, or they do not exist. */
  async #lookUpUnknown(): Promise<void> {
    const { clock, logger, system } = this.#outside;
    if (this.#lookingUp || clock.now() - this.#lookedUp < TRIGGER.lookUpIntervalMs) return;
    this.#lookingUp = true;
    const ids = [...this.#unknown];
    this.#unknown.clear();
    try {
      const { values } = await system.read(ids.map((id) => at.session(id)));
      for (const value of values) if (value) this.#learn(decode(value, 'session') as SessionRecord);
      this.#report();
    } catch (err) {
      logger.warn({ err, sessions: ids.length }, 'unknown sessions cannot be looked up');
    } finally {
      this.#lookedUp = clock.now();
      this.#lookingUp = false;
    }
  }

  async #suspect(due: readonly SessionTicket[]): Promise<void> {
    const { clock, logger } = this.#outside;
    this.#suspecting = true;
    let answer: SuspectsAnswer | undefined;
    try {
      const sessions = await this.#confirm(due);
      if (sessions.length > 0) answer = await this.#ask({ sessions });
    } catch (err) {
      logger.warn({ err, sessions: due.length }, 'the heartbeat function cannot be asked');
    } finally {
      this.#suspecting = false;
    }
    const now = clock.now();
    for (const id of answer?.alive ?? []) this.#table.refresh(id, now);
    for (const { id } of due) this.#table.suspectAgain(id, now + TRIGGER.suspectAgainMs);
  }

  /** Drops from the suspects those of which the applied state has newer news. */
  async #confirm(due: readonly SessionTicket[]): Promise<SessionTicket[]> {
    const { state, values } = await this.#outside.system.read(due.map(({ id }) => at.session(id)));
    // A wiped store knows nobody; the writer decides after it was rebuilt.
    if (state === undefined) return [...due];
    return due.filter((ticket, i) => {
      const value = values[i];
      if (!value) {
        // It may be newer than what is applied: asking for its expiry makes the writer catch up. Then it is gone.
        if (!this.#missing.delete(ticket.id)) return this.#missing.add(ticket.id);
        this.#table.remove(ticket.id);
        return false;
      }
      const record = decode(value, 'session') as SessionRecord;
      if (record.ended === 0 && record.generation <= ticket.generation) return true;
      this.#learn(record);
      return false;
    });
  }

  async #ask(invocation: SuspectsInvocation): Promise<SuspectsAnswer> {
    const { functions, logger, metrics } = this.#outside;
    metrics.suspects(invocation.sessions.length);
    const body = await functions.invoke(
      EVENT_TYPES.suspects,
      this.#instance,
      encode(invocation),
      TRIGGER.invocationTimeoutMs,
    );
    const answer = decodeAs(suspectsAnswerSchema, body, 'answer of the heartbeat function');
    for (const session of answer.expired) logger.info({ session }, 'a session did not answer and is to expire');
    return answer;
  }

  #learn(record: SessionRecord): void {
    const { id, generation, token, password, timeout, ended } = record;
    this.#take({ id, generation, token, password, timeout: ended === 0 ? timeout : 0, ended });
  }

  #take(ticket: SessionTicket): void {
    const now = this.#outside.clock.now();
    if (ticket.timeout === 0) {
      this.#table.remove(ticket.id);
      if (!this.#ended.has(ticket.id)) this.#ended.set(ticket.id, now + TRIGGER.forgetAfterMs);
    } else if (!this.#ended.has(ticket.id)) {
      this.#table.put(ticket, now);
    }
  }

  #report(): void {
    this.#outside.metrics.sessions(this.#instance, this.#table.size);
  }
}

/** Takes the same time wherever they differ. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}
