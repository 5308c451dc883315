import {
  type Beat,
  beatSchema,
  decode,
  decodeAs,
  encode,
  type InstanceSpec,
  type NodeMeta,
  type SystemOperation,
  subjects,
} from '@faaskeeper/protocol';
import type {
  SessionTicket,
  SuspectsAnswer,
  SuspectsInvocation,
  SweepAnswer,
  SweepInvocation,
} from '../invocations.ts';
import type { Outside } from '../ports.ts';
import { at } from '../tables.ts';
import { dueDeletion } from './due.ts';

/** Every bound of the heartbeat function, with its default; times are ms. */
export const HEARTBEAT = {
  /** The longest wait for the answer to a ping; half of the session's timeout, if that is less. */
  answerMs: 2_000,
  /** Suspects that are pinged at the same time. */
  pingsAtOnce: 256,
  /** Requests of the system that one sweep submits; the rest is found by the next. */
  deletionsPerSweep: 1_000,
} as const;

/**
 * Decides nothing: what it finds dead or due it submits as a request that names what it saw, and the writer refuses it
 * on a mismatch (invariant 11). REQ does not acknowledge, so the trigger asks again until the writer's answer says that
 * it is done.
 */
export class Heartbeat {
  readonly #outside: Outside;
  readonly #names: ReturnType<typeof subjects>;

  constructor(outside: Outside, spec: InstanceSpec) {
    this.#outside = outside;
    this.#names = subjects(spec.id);
  }

  /** Pings each suspect; submits the expiry of those that do not answer. */
  async suspects({ sessions }: SuspectsInvocation): Promise<SuspectsAnswer> {
    const alive: number[] = [];
    const expired: number[] = [];
    for (let from = 0; from < sessions.length; from += HEARTBEAT.pingsAtOnce) {
      const group = sessions.slice(from, from + HEARTBEAT.pingsAtOnce);
      const answered = await this.#ping(group);
      for (const ticket of group) {
        if (answered.has(ticket.id)) {
          alive.push(ticket.id);
          continue;
        }
        this.#submit({ type: 'expire', session: ticket.id, generation: ticket.generation });
        this.#outside.logger.info({ session: ticket.id }, 'a session did not answer its ping: its expiry is submitted');
        expired.push(ticket.id);
      }
    }
    if (expired.length > 0) await this.#outside.notifications.flush();
    return { alive, expired };
  }

  /** Submits the deletion of containers and TTL nodes that are due, and the forgetting of ended sessions. */
  async sweep({ forget, timed: look = true }: SweepInvocation): Promise<SweepAnswer> {
    const { timed, submitted } = look ? await this.#sweepTimed() : { timed: 0, submitted: 0 };
    for (const session of forget) this.#submit({ type: 'forget', session });
    if (submitted + forget.length > 0) await this.#outside.notifications.flush();
    return { timed };
  }

  /** Where it cannot be told whether there are any, one is counted: the trigger asks again. */
  async #sweepTimed(): Promise<{ timed: number; submitted: number }> {
    const now = this.#outside.clock.now();
    const before = await this.#wholeState();
    let timed = 0;
    let submitted = 0;
    for await (const page of this.#outside.system.scan('timed', '')) {
      const paths = page.map(([path]) => path);
      const { values } = await this.#outside.system.read(paths.map((path) => at.node(path)));
      for (const [i, path] of paths.entries()) {
        const value = values[i];
        if (!value) continue;
        timed++;
        const deletion = dueDeletion(path, decode(value, 'node') as NodeMeta, now);
        if (deletion === undefined || submitted >= HEARTBEAT.deletionsPerSweep) continue;
        this.#submit(deletion);
        submitted++;
      }
    }
    const isKnown = timed > 0 || (before !== undefined && before === (await this.#wholeState()));
    return { timed: isKnown ? timed : 1, submitted };
  }

  /** Names what the system store holds if that is all of LOG; undefined: it was wiped, rolled back, or is just behind. */
  async #wholeState(): Promise<string | undefined> {
    const { log, system } = this.#outside;
    const { last } = await log.bounds();
    const { state, asleep } = await system.read([]);
    if (state === undefined) return asleep !== undefined && asleep >= last ? 'asleep' : undefined;
    return state.applied >= last ? state.generation : undefined;
  }

  /** The sessions that answered, by any beat of their attachment. */
  async #ping(tickets: readonly SessionTicket[]): Promise<Set<number>> {
    const { notifications, clock, logger } = this.#outside;
    const answered = new Set<number>();
    const done = new AbortController();
    const subscriptions = tickets.map((ticket) =>
      notifications.subscribe(this.#names.beat(ticket.id), (payload) => {
        if (!isBeatOf(ticket, payload)) return;
        answered.add(ticket.id);
        if (answered.size === tickets.length) done.abort();
      }),
    );
    try {
      // The subscriptions must be in place before anyone answers.
      await notifications.flush();
      for (const { token, generation } of tickets) {
        notifications.publish(this.#names.session(token), encode({ type: 'ping', generation }));
      }
      await notifications.flush();
      const waitMs = Math.min(HEARTBEAT.answerMs, Math.max(...tickets.map(({ timeout }) => timeout / 2)));
      await clock.sleep(waitMs, done.signal).catch(() => {});
    } finally {
      for (const subscription of subscriptions) subscription.close();
    }
    logger.debug({ pinged: tickets.length, answered: answered.size }, 'suspects were pinged');
    return answered;
  }

  #submit(operation: SystemOperation): void {
    this.#outside.notifications.publish(this.#names.systemRequest, encode(operation));
  }
}

function isBeatOf(ticket: SessionTicket, payload: Uint8Array): boolean {
  let beat: Beat;
  try {
    beat = decodeAs(beatSchema, payload, 'beat');
  } catch {
    return false;
  }
  return beat.generation === ticket.generation && Buffer.compare(beat.password, ticket.password) === 0;
}
