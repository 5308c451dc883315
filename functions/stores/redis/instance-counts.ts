import { decode } from '@faaskeeper/protocol';
import type { Redis } from 'ioredis';
import type { SessionRecord, Totals } from '../../core/log-entry.ts';
import { checkedValue } from './checked.ts';
import { groupKey, instanceKeys } from './keys.ts';

/** Sessions that are looked at one by one; beyond it, those that ended a short time ago count as well. */
const SESSIONS_LOOKED_AT = 5_000;
const SCAN_PAGE = 1_000;

/** How large an instance is, by its applied state. */
export interface InstanceCounts {
  /** Last transaction that is applied. */
  readonly zxid: number;
  /** LOG sequence up to which it is. */
  readonly applied: number;
  readonly nodes: number;
  /** Living ones. */
  readonly sessions: number;
  /** Of all nodes' data; undefined while the instance was not counted. */
  readonly bytes: number | undefined;
}

/**
 * Undefined for an instance that was never used, or whose applied state is gone until the next request.
 *
 * @throws DamagedError
 */
export async function instanceCounts(redis: Redis, instance: string): Promise<InstanceCounts | undefined> {
  const keys = instanceKeys(instance);
  const generation = await redis.get(keys.generation);
  if (generation === null) return undefined;
  const namespace = keys.namespace(generation);
  const sessionsKey = `${namespace}${groupKey('session', '')}`;
  const [position, total, nodes, known] = await Promise.all([
    redis.hmget(`${namespace}state`, 'applied', 'zxid'),
    redis.hgetBuffer(`${namespace}${groupKey('total', '')}`, ''),
    redis.hlen(`${namespace}${groupKey('node', '')}`),
    redis.hlen(sessionsKey),
  ]);
  const [applied, zxid] = position;
  // Replaced by a rebuild between the two reads.
  if (applied == null || zxid == null) return undefined;
  const at = { zxid: Number(zxid), applied: Number(applied) };
  if (total !== null) {
    const [counted, bytes, living] = decode(checkedValue('', total), 'totals') as Totals;
    return { ...at, nodes: counted, sessions: living, bytes };
  }
  const sessions = known > SESSIONS_LOOKED_AT ? known : await livingSessions(redis, sessionsKey);
  return { ...at, nodes, sessions, bytes: undefined };
}

async function livingSessions(redis: Redis, key: string): Promise<number> {
  const living = new Set<string>();
  let cursor = '0';
  do {
    const [next, flat] = (await redis.callBuffer('HSCAN', [key, cursor, 'COUNT', SCAN_PAGE])) as [Buffer, Buffer[]];
    cursor = next.toString();
    for (let i = 0; i + 1 < flat.length; i += 2) {
      if ((decode(checkedValue(String(flat[i]), flat[i + 1]!), 'session') as SessionRecord).ended === 0)
        living.add(flat[i]!.toString());
    }
  } while (cursor !== '0');
  return living.size;
}
