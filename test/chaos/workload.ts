/** What one client does: a session after another, a call at a time, chosen by chance. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../simulation/random.ts';
import { CHAOS } from './bounds.ts';
import type { Session, SessionListener } from './clients/session.ts';
import type { History, Operation, Outcome } from './history.ts';

export const ROOT = '/chaos';
export const QUEUE = `${ROOT}/queue`;
export const LIVE = `${ROOT}/live`;

/** Weights of what a client does next. */
const MIX = {
  create: 8,
  set: 14,
  cas: 14,
  delete: 4,
  multi: 6,
  append: 14,
  read: 20,
  syncedRead: 16,
  ownEphemeral: 2,
  end: 0.4,
} as const;
type Choice = keyof typeof MIX;

export interface WorkloadOptions {
  readonly history: History;
  readonly chance: Chance;
  readonly client: number;
  readonly kind: 'native' | 'gateway';
  readonly open: (listener: SessionListener) => Promise<Session>;
  readonly signal: AbortSignal;
}

export class Workload {
  readonly #options: WorkloadOptions;
  /** Versions that this client believes in. */
  readonly #versions = new Map<string, number>();
  #session: Session | undefined;
  #name = '';
  #sessions = 0;
  #values = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** The session that is open now, and the name of it in the history. */
  get current(): { readonly name: string; readonly session: Session } | undefined {
    return this.#session?.alive ? { name: this.#name, session: this.#session } : undefined;
  }

  /** Resolves when the signal has said that it is enough; the last session stays open. */
  async run(): Promise<void> {
    const { signal, chance } = this.#options;
    while (!signal.aborted) {
      if (this.#session?.alive !== true) await this.#open();
      else await this.#next(this.#session);
      await sleep(chance.around(CHAOS.pauseMs), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One call, with its place in the history. */
  async perform(operation: Operation): Promise<Outcome> {
    const { history, client } = this.#options;
    const session = this.#session as Session;
    const about = { call: history.nextCall(), session: this.#name, client };
    history.add({ type: 'invoke', ...about, operation });
    const outcome = await session.perform(operation);
    history.add({ ...about, ...outcome });
    return outcome;
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  async #open(): Promise<void> {
    const { history, client, kind, open, signal } = this.#options;
    await this.#session?.close();
    this.#session = undefined;
    const session = `c${client}.${++this.#sessions}`;
    this.#name = session;
    try {
      this.#session = await open({
        changed: (change, id) => history.add({ type: 'session', session, client, kind, change, id }),
        event: (event, path, zxid) => history.add({ type: 'event', session, event, path, zxid }),
      });
    } catch {
      await sleep(CHAOS.againMs, undefined, { signal }).catch(() => undefined);
      return;
    }
    await this.perform({ f: 'ephemeral', path: `${LIVE}/${session}`, value: this.#value() });
  }

  async #next(session: Session): Promise<void> {
    const choice = this.#choose();
    if (choice === 'end') return session.close();
    const operation = this.#operation(choice);
    const outcome = await this.perform(operation);
    if (outcome.type !== 'ok') return;
    for (const { path, version } of outcome.result.nodes) this.#versions.set(path, version);
  }

  #operation(choice: Exclude<Choice, 'end'>): Operation {
    const { chance } = this.#options;
    const path = this.#key();
    const value = this.#value();
    switch (choice) {
      case 'create':
        return { f: 'create', path, value };
      case 'set':
        return { f: 'set', path, value, version: -1 };
      case 'cas':
        return { f: 'set', path, value, version: this.#versions.get(path) ?? 0 };
      case 'delete':
        return { f: 'delete', path, version: chance.happens(0.5) ? -1 : (this.#versions.get(path) ?? 0) };
      case 'multi': {
        const sets = [{ path, value }];
        const other = this.#key();
        if (other !== path) sets.push({ path: other, value: this.#value() });
        return { f: 'multi', sets };
      }
      case 'append':
        return { f: 'append', path: QUEUE, value };
      case 'read':
        return { f: 'read', path, sync: false, watch: chance.happens(0.3) };
      case 'syncedRead':
        return { f: 'read', path, sync: true, watch: false };
      case 'ownEphemeral':
        return { f: 'read', path: `${LIVE}/${this.#name}`, sync: false, watch: false };
    }
  }

  #choose(): Choice {
    const choices = Object.entries(MIX) as [Choice, number][];
    let at = this.#options.chance.fraction() * choices.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [choice, weight] of choices) {
      at -= weight;
      if (at < 0) return choice;
    }
    return 'read';
  }

  /** All clients work on the same few keys, and go on to others together. */
  #key(): string {
    const { history, chance } = this.#options;
    return `${ROOT}/r${Math.floor(history.calls / CHAOS.callsOfKeys)}-${chance.below(CHAOS.keys)}`;
  }

  #value(): string {
    return `${this.#name}:${++this.#values}`;
  }
}
