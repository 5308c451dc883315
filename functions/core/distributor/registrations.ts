import { ancestors, type RegistrationInfo, type RegistrationKind } from '@faaskeeper/protocol';
import type { Change } from '../coalesce.ts';
import type { SinkEvent } from '../invocations.ts';
import type { LogEntry } from '../log-entry.ts';

export interface Match {
  readonly event: SinkEvent;
  /** Index of the effect in its transaction. */
  readonly index: number;
}

const FIRED_BY: Record<RegistrationKind, readonly Change['kind'][]> = {
  data: ['created', 'deleted', 'data'],
  exists: ['created', 'deleted', 'data'],
  children: ['children', 'deleted'],
  recursive: ['created', 'deleted', 'data'],
};

/** The registered watches as of some transaction. */
export class Registrations {
  readonly #byId = new Map<string, RegistrationInfo>();
  readonly #byPath = new Map<string, Map<string, RegistrationInfo>>();

  constructor(all: Iterable<RegistrationInfo> = []) {
    for (const registration of all) this.add(registration);
  }

  get size(): number {
    return this.#byId.size;
  }

  copy(): Registrations {
    return new Registrations(this.#byId.values());
  }

  add(registration: RegistrationInfo): void {
    this.remove(registration.id);
    this.#byId.set(registration.id, registration);
    const there = this.#byPath.get(registration.path) ?? new Map<string, RegistrationInfo>();
    this.#byPath.set(registration.path, there.set(registration.id, registration));
  }

  remove(id: string): void {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    this.#byId.delete(id);
    const there = this.#byPath.get(known.path)!;
    there.delete(id);
    if (there.size === 0) this.#byPath.delete(known.path);
  }

  /** Those that a change of this kind at this path fires. */
  firedBy(path: string, change: { zxid: number; kind: Change['kind'] }): RegistrationInfo[] {
    const fired: RegistrationInfo[] = [];
    for (const at of [path, ...ancestors(path)]) {
      for (const registration of this.#byPath.get(at)?.values() ?? []) {
        const applies = at === path || registration.kind === 'recursive';
        if (applies && change.zxid > registration.zxid && FIRED_BY[registration.kind].includes(change.kind)) {
          fired.push(registration);
        }
      }
    }
    return fired;
  }
}

/**
 * Walks entries in order: what each change fires by the registrations of its time, per registration in zxid order.
 * `registrations` is as of the end of the entries afterwards.
 */
export function matchRegistrations(
  entries: Iterable<LogEntry>,
  registrations: Registrations,
  isVisible: (path: string, zxid: number) => boolean,
): Map<string, Match[]> {
  const matches = new Map<string, Match[]>();
  for (const { time, transactions } of entries) {
    for (const { zxid, effects } of transactions) {
      effects.forEach((effect, index) => {
        if (effect.type === 'register') registrations.add(effect.registration);
        if (effect.type === 'unregister') registrations.remove(effect.id);
        if ((effect.type !== 'put' && effect.type !== 'delete') || registrations.size === 0) return;
        const kind = effect.type === 'delete' ? 'deleted' : effect.change;
        if (kind === 'acl' || !isVisible(effect.path, zxid)) return;
        for (const { id, sink } of registrations.firedBy(effect.path, { zxid, kind })) {
          const event: SinkEvent = { registration: id, sink, path: effect.path, kind, zxid, time };
          const own = matches.get(id) ?? [];
          matches.set(id, own);
          own.push({ event, index });
        }
      });
    }
  }
  return matches;
}
