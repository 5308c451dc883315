import { decodeCovered, objectOfRecord, RECORD_TAG_BYTES } from '@faaskeeper/protocol';
import type { Redis } from 'ioredis';
import { StorageBehindError } from '../../../client/ports.ts';
import type { RecordReader } from '../../../client/transport/redis.ts';
import type { Script } from '../../../functions/stores/redis/script.ts';
import { moveState, putRecords, removeRecord } from '../../../functions/stores/redis/user-records.ts';
import type { Link } from '../network.ts';

type Value = string | number | Buffer;

/** What Redis holds of user storage: values by key, and the scripts that change them. */
export class SimRecordServer {
  #values = new Map<string, Buffer>();

  get(key: string): Buffer | null {
    return this.#values.get(key) ?? null;
  }

  set(key: string, value: Value): void {
    this.#values.set(key, typeof value === 'number' ? Buffer.from(String(value)) : Buffer.from(value as string));
  }

  remove(keys: readonly string[]): number {
    return keys.filter((key) => this.#values.delete(key)).length;
  }

  append(key: string, value: string): void {
    this.set(key, Buffer.concat([this.get(key) ?? Buffer.alloc(0), Buffer.from(value)]));
  }

  /** `*`, and sets in brackets, as Redis matches them. */
  matching(pattern: string): string[] {
    const source = pattern.replace(/[.+?^${}()|\\]/g, '\\$&').replaceAll('*', '.*');
    const wanted = new RegExp(`^${source}$`);
    return [...this.#values.keys()].filter((key) => wanted.test(key));
  }

  /** As Lua does it in functions/stores/redis/user-records.ts. */
  run(sha1: string, keys: readonly string[], args: readonly Value[]): unknown {
    switch (sha1) {
      case putRecords.sha1:
        return this.#putRecords(keys, args);
      case moveState.sha1:
        if (!this.#is(keys[0]!, args[0]!)) return 0;
        this.set(keys[0]!, args[1]!);
        return 1;
      case removeRecord.sha1:
        return this.#tagIs(keys[0]!, args[0]!) ? this.remove([keys[0]!]) : 0;
      default:
        throw new Error('NOSCRIPT: the simulation does not know it');
    }
  }

  wipe(): void {
    this.#values.clear();
  }

  snapshot(): ReadonlyMap<string, Buffer> {
    return new Map(this.#values);
  }

  restore(snapshot: ReadonlyMap<string, Buffer>): void {
    this.#values = new Map(snapshot);
  }

  #putRecords([state, ...records]: readonly string[], args: readonly Value[]): unknown {
    const [before, counted, whole, ...rest] = args;
    if (!this.#is(state!, before!)) return 'lost';
    const outcomes = records.map((key, i) => {
      const condition = rest[2 * i]!;
      const isAbsent = condition === 'absent' && this.get(key) === null;
      if (condition !== 'any' && !isAbsent && !(condition !== 'absent' && this.#tagIs(key, condition))) return 0;
      this.set(key, rest[2 * i + 1]!);
      return 1;
    });
    this.set(state!, outcomes.every((outcome) => outcome === 1) ? whole! : counted!);
    return outcomes;
  }

  #is(key: string, value: Value): boolean {
    return this.get(key)?.equals(Buffer.from(value as string)) === true;
  }

  #tagIs(key: string, tag: Value): boolean {
    const held = this.get(key)?.subarray(0, RECORD_TAG_BYTES) ?? Buffer.alloc(0);
    return held.equals(tag as Buffer);
  }
}

/** The commands that user storage gives to Redis. */
export function simRedis(link: Link, server: SimRecordServer): Redis {
  const commands = {
    get: (key: string) => link.call(`GET ${key}`, () => server.get(key)?.toString() ?? null),
    getBuffer: (key: string) => link.call(`GET ${key}`, () => server.get(key)),
    set: (key: string, value: string) =>
      link.call(`SET ${key}`, () => {
        const before = server.get(key)?.toString() ?? null;
        server.set(key, value);
        return before;
      }),
    del: (...keys: string[]) => link.call('DEL', () => server.remove(keys)),
    unlink: (...keys: string[]) => link.call('UNLINK', () => server.remove(keys)),
    append: (key: string, value: string) => link.call('APPEND', () => server.append(key, value)),
    keys: (pattern: string) => link.call('KEYS', () => server.matching(pattern)),
    scan: (_cursor: string, _match: string, pattern: string) =>
      link.call('SCAN', (): [string, string[]] => ['0', server.matching(pattern)]),
    callBuffer: (_command: string, [sha1, count, ...rest]: [string, number, ...Value[]]) =>
      link.call(`EVALSHA ${nameOf(sha1)}`, () => server.run(sha1, rest.slice(0, count) as string[], rest.slice(count))),
  };
  return commands as unknown as Redis;
}

function nameOf(sha1: string): string {
  const scripts: Record<string, Script> = { putRecords, moveState, removeRecord };
  return Object.entries(scripts).find(([, script]) => script.sha1 === sha1)?.[0] ?? sha1;
}

/** As a client reads them: with how far they cover LOG. */
export function simRecordReader(link: Link, server: SimRecordServer): RecordReader {
  return {
    async get({ state, at, covered }) {
      const [head, record] = await link.call(`MGET ${at}`, () => [server.get(state), server.get(at)] as const);
      const zxid = decodeCovered(head?.toString())?.zxid ?? -1;
      if (zxid < covered) throw new StorageBehindError(`Redis covers zxid ${zxid}, not ${covered}`);
      return record === null ? undefined : objectOfRecord(record);
    },
    close: () => undefined,
  };
}
