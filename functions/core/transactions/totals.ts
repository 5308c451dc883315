import type { InstanceSpec } from '@faaskeeper/protocol';
import type { Totals } from '../log-entry.ts';
import { Refusal } from './rules.ts';
import type { Draft } from './state.ts';

export type Limits = NonNullable<InstanceSpec['limits']>;

/** The only key of its table. */
export const TOTALS_KEY = '';

/**
 * Counts what a transaction adds to (or takes from) the instance. Where the totals are not known (of an instance from
 * before they were counted), nothing is counted.
 *
 * @throws Refusal QuotaExceeded when that would be more than a limit; what is above one already may shrink.
 */
export function count(
  draft: Draft,
  change: { readonly nodes?: number; readonly bytes?: number; readonly sessions?: number },
  limits: Limits | undefined,
): void {
  const before = draft.get('total', TOTALS_KEY);
  if (before === null) return;
  const [nodes, bytes, sessions] = before;
  const after: Totals = [
    add(nodes, change.nodes, limits?.nodes),
    add(bytes, change.bytes, limits?.bytes),
    add(sessions, change.sessions, limits?.sessions),
  ];
  draft.set('total', TOTALS_KEY, after);
}

function add(before: number, change = 0, limit = Number.POSITIVE_INFINITY): number {
  if (change > 0 && before + change > limit) throw new Refusal('QuotaExceeded');
  return Math.max(0, before + change);
}
