import { encode, type InstanceSpec, instanceSpecSchema, subjects, validate } from '@faaskeeper/protocol';
import { EVENT_TYPES, type SessionTicket } from '../../../functions/core/invocations.ts';
import type { SessionRecord } from '../../../functions/core/log-entry.ts';
import type { Delivery, LaneSource, Logger, StoredObject } from '../../../functions/core/ports.ts';
import type { TriggerMetrics, TriggerOutside } from '../../../functions/core/trigger/index.ts';
import { ManualClock, steadyRandom } from '../../support/manual-clock.ts';

export const SPEC: InstanceSpec = validate(instanceSpecSchema, { id: 'i1', storagePrefix: 'i1/' }, 'spec');
export const NAMES = subjects(SPEC.id);

const quiet = () => {};
export const silentLogger: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

export const silentMetrics: TriggerMetrics = {
  batch: quiet,
  failure: quiet,
  state: quiet,
  sessions: quiet,
  suspects: quiet,
  watermark: quiet,
  owned: quiet,
  halted: quiet,
  forget: quiet,
};

export function message(sequence: number, payload = new Uint8Array([sequence])): Delivery {
  return { sequence, subject: NAMES.request(1), payload };
}

/** A lane whose messages the test puts in. */
export class FakeLane implements LaneSource {
  readonly acknowledged: number[] = [];
  readonly opened: number[] = [];
  readonly expected: number[] = [];
  closed = false;
  #waiting: Delivery[] = [];
  #wake: (() => void) | undefined;
  #failure: unknown;

  put(...messages: Delivery[]): void {
    this.#waiting.push(...messages);
    this.#wake?.();
  }

  /** The next `next` throws. */
  fail(error: unknown): void {
    this.#failure = error;
    this.#wake?.();
  }

  async open(): Promise<void> {
    this.opened.push(this.acknowledged.at(-1) ?? 0);
  }

  async next(bounds: { messages: number }, signal: AbortSignal): Promise<Delivery[]> {
    while (this.#waiting.length === 0 && this.#failure === undefined) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return this.#waiting.splice(0, bounds.messages);
  }

  expect(sequence: number): void {
    this.expected.push(sequence);
  }

  acknowledge(sequence: number): void {
    this.acknowledged.push(sequence);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

export interface Invoked {
  readonly type: string;
  readonly data: Uint8Array;
}

/** The outside of a trigger, by hand: what is in the tables, what functions answer, what is published. */
export class FakeOutside {
  readonly clock = new ManualClock();
  readonly sessions = new Map<string, Uint8Array>();
  readonly timed = new Map<string, Uint8Array>();
  readonly registrations = new Map<string, Uint8Array>();
  readonly lanes = new Map<string, FakeLane>();
  readonly invoked: Invoked[] = [];
  readonly published: { subject: string; payload: Uint8Array }[] = [];
  readonly answers = new Map<string, (data: Uint8Array) => unknown>([
    [EVENT_TYPES.requests, () => ({ sequence: 1, zxid: 1, sessions: [], timed: false, registrations: [] })],
    [EVENT_TYPES.transactions, () => ({ sequence: 1, watermark: 1, checkpointDue: false })],
    [EVENT_TYPES.checkpoint, () => ({ sequence: 1 })],
    [EVENT_TYPES.suspects, () => ({ alive: [], expired: [] })],
    [EVENT_TYPES.sweep, () => ({ timed: 0 })],
  ]);
  storedWatermark: StoredObject | undefined;
  applied = 1;
  /** The system store was emptied on purpose. */
  asleep = false;
  lockHolder: string | undefined;
  lastSequence = 1;
  readonly #handlers = new Map<string, Set<(payload: Uint8Array, subject: string) => void>>();

  callsOf(type: string): Invoked[] {
    return this.invoked.filter((call) => call.type === type);
  }

  lane(name: 'request' | 'log' | string): FakeLane {
    const lane = this.lanes.get(name) ?? new FakeLane();
    this.lanes.set(name, lane);
    return lane;
  }

  hear(subject: string, payload: Uint8Array): void {
    for (const handler of this.#handlers.get(NAMES.beats) ?? []) handler(payload, subject);
  }

  asOutside(): TriggerOutside {
    const tables: Record<string, Map<string, Uint8Array>> = {
      session: this.sessions,
      timed: this.timed,
      registration: this.registrations,
    };
    return {
      clock: this.clock,
      random: steadyRandom,
      logger: silentLogger,
      metrics: silentMetrics,
      functions: {
        invoke: async (type, _instance, data) => {
          this.invoked.push({ type, data });
          return encode(await this.answers.get(type)?.(data));
        },
      },
      lane: (name) => this.lane(typeof name === 'string' ? name : name.sink),
      notifications: {
        publish: (subject, payload) => void this.published.push({ subject, payload }),
        flush: async () => {},
        subscribe: (subject, handler) => {
          const handlers = this.#handlers.get(subject) ?? new Set();
          this.#handlers.set(subject, handlers.add(handler));
          return { close: () => void handlers.delete(handler) };
        },
        store: async () => {},
      },
      log: { bounds: async () => ({ first: 1, last: this.lastSequence }) } as never,
      objects: { get: async () => this.storedWatermark } as never,
      system: {
        read: async (addresses) => ({
          state: this.asleep ? undefined : { generation: 'g', applied: this.applied, zxid: 1 },
          ...(this.asleep ? { asleep: this.applied } : {}),
          values: addresses.map(({ table, key }) => tables[table]?.get(key) ?? null),
          groups: [],
        }),
        scan: async function* (table) {
          yield [...(tables[table] ?? [])];
        },
        lock: async (_name, holder) => {
          this.lockHolder ??= holder;
          return this.lockHolder === holder ? 1 : undefined;
        },
        extend: async (_name, holder) => this.lockHolder === holder,
        unlock: async (_name, holder) => {
          if (this.lockHolder !== holder) return false;
          this.lockHolder = undefined;
          return true;
        },
      } as Partial<TriggerOutside['system']> as TriggerOutside['system'],
    };
  }
}

export function ticket(id: number, over: Partial<SessionTicket> = {}): SessionTicket {
  return { id, generation: 1, token: `token${id}`, password: password(id), timeout: 4_000, ended: 0, ...over };
}

export function password(id: number): Uint8Array {
  return new Uint8Array(16).fill(id);
}

export function record(id: number, over: Partial<SessionRecord> = {}): Uint8Array {
  const session: SessionRecord = {
    id,
    generation: 1,
    password: password(id),
    key: new Uint8Array(32),
    token: `token${id}`,
    timeout: 4_000,
    identities: [],
    ended: 0,
    nonce: `nonce${id}`,
    ...over,
  };
  return encode(session);
}

export function beat(
  id: number,
  over: Partial<{ generation: number; password: Uint8Array; id: number }> = {},
): Uint8Array {
  return encode({ generation: 1, password: password(id), id: 1, ...over });
}
