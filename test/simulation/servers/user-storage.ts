import { createHash } from 'node:crypto';
import type { PutCondition, StoredObject, UserStorage } from '../../../functions/core/ports.ts';
import type { Link } from '../network.ts';
import type { Chance } from '../random.ts';

const PAGE = 100;

/** An S3 store. */
export class SimObjectServer {
  readonly objects = new Map<string, StoredObject>();
  /** False: as on MinIO, which ignores conditions on DELETE, so the adapter keeps what it would delete. */
  conditionalDelete = true;

  put(
    key: string,
    body: Uint8Array,
    condition?: PutCondition,
  ): { outcome: 'written'; etag: string } | { outcome: 'conflict' } {
    const there = this.objects.get(key);
    if (condition !== undefined) {
      if ('absent' in condition && there !== undefined) return { outcome: 'conflict' };
      if ('ifMatch' in condition && there?.etag !== condition.ifMatch) return { outcome: 'conflict' };
    }
    // As S3 does it: the same content has the same tag.
    const etag = createHash('md5').update(body).digest('hex');
    this.objects.set(key, { body: body.slice(), etag });
    return { outcome: 'written', etag };
  }

  deleteIf(key: string, etag: string): 'deleted' | 'kept' {
    if (!this.conditionalDelete || this.objects.get(key)?.etag !== etag) return 'kept';
    this.objects.delete(key);
    return 'deleted';
  }

  /** One bit is another, or the end is missing; the tag says nothing of it. */
  damage(key: string, chance: Chance): void {
    const there = this.objects.get(key);
    if (there === undefined) return;
    const body = there.body.slice(0, chance.happens(0.5) ? chance.below(there.body.length) : there.body.length);
    if (body.length === there.body.length) body[chance.below(body.length)]! ^= 1 << chance.below(8);
    this.objects.set(key, { ...there, body });
  }

  list(prefix: string, after: string): string[] {
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after);
    return keys.sort().slice(0, PAGE);
  }
}

export function simUserStorage(link: Link, server: SimObjectServer): UserStorage {
  return {
    get: (key, signal) => link.call(`GET ${key}`, () => server.objects.get(key), signal),
    put: (key, body, condition, signal) => link.call(`PUT ${key}`, () => server.put(key, body, condition), signal),
    delete: (keys) =>
      link.call('DELETE', () => {
        for (const key of keys) server.objects.delete(key);
      }),
    deleteIf: (key, etag) => link.call(`DELETE ${key}`, () => server.deleteIf(key, etag)),
    async *list(prefix) {
      for (let after = ''; ; ) {
        const from = after;
        const page = await link.call('LIST', () => server.list(prefix, from));
        if (page.length === 0) return;
        yield page;
        after = page.at(-1) ?? '';
      }
    },
  };
}
