import { randomBytes } from 'node:crypto';
import { decodeCovered, encodeCovered, RECORD_TAG_BYTES, type RecordKeys } from '@faaskeeper/protocol';
import type { Redis } from 'ioredis';
import { type Coverage, OvertakenError, type Position, type PutCondition } from '../../core/ports.ts';
import { dropKeys } from '../redis/drop.ts';
import { runScript, type ScriptArgument } from '../redis/script.ts';
import { moveState, putRecords } from '../redis/user-records.ts';

/** Of one call of the script: Redis serves nobody else meanwhile. */
const BOUNDS = { records: 512, bytes: 1024 * 1024 } as const;

export type PutOutcome = { outcome: 'written'; etag: string } | { outcome: 'conflict' };

interface Put {
  readonly at: string;
  readonly object: Uint8Array;
  readonly condition: PutCondition | undefined;
}

interface Waiting extends Put {
  readonly done: PromiseWithResolvers<PutOutcome>;
}

/** The version of a record. */
export function tagOf(record: Buffer): string {
  return record.toString('hex', 0, RECORD_TAG_BYTES);
}

/**
 * Writes records in groups: what is put while one group is on its way makes up the next, so that one call (and one
 * fsync of the AOF) serves many. Each call finds the state as the one before it has left it, or fails: a Redis that lost
 * a write, and be it the last one, is never taken for one that has it.
 */
export class RecordWriter implements Coverage {
  readonly #redis: Redis;
  readonly #keys: RecordKeys;
  /** As the state begins: what it covers, by whose filling. Undefined before load, and when it is not known. */
  #head: string | undefined;
  #writes = 0;
  #epoch = '';
  #covered = -1;
  /** What is covered when `left` more public nodes are put. */
  #goal: { readonly to: Position; left: number } | undefined;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(redis: Redis, keys: RecordKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async read(): Promise<Position | undefined> {
    return decodeCovered(await this.#redis.get(this.#keys.state));
  }

  async load(): Promise<Position | undefined> {
    await this.#running;
    const state = await this.#redis.get(this.#keys.state);
    const covered = decodeCovered(state);
    this.#head = undefined;
    this.#goal = undefined;
    if (state === null || covered === undefined) return undefined;
    const { epoch, sequence, zxid } = covered;
    this.#epoch = epoch;
    this.#covered = sequence;
    this.#head = state.slice(0, state.lastIndexOf(' '));
    this.#writes = Number(state.slice(this.#head.length));
    return { sequence, zxid };
  }

  expect(to: Position, nodes: number): void {
    this.#goal = to.sequence > this.#covered && nodes > 0 ? { to, left: nodes } : undefined;
  }

  async advance(to: Position): Promise<void> {
    await this.#running;
    // The last node was put just now, and said so.
    const isDone = this.#goal?.to.sequence === to.sequence && this.#covered === to.sequence;
    this.#goal = undefined;
    if (isDone) return;
    const before = this.#state();
    const isAhead = to.sequence > this.#covered;
    // Never a state that there was before.
    const after = isAhead ? `${encodeCovered(this.#epoch, to)} 0` : `${this.#head} ${this.#writes + 1}`;
    const reply = await this.#sure(runScript(this.#redis, moveState, [this.#keys.state], [before, after]));
    if (reply !== 1) throw this.#lost();
    if (isAhead) this.#moved(to);
    else this.#writes++;
  }

  #moved(to: Position): void {
    this.#head = encodeCovered(this.#epoch, to);
    this.#covered = to.sequence;
    this.#writes = 0;
  }

  async clear(): Promise<void> {
    await this.#running;
    this.#epoch = randomBytes(8).toString('hex');
    const head = encodeCovered(this.#epoch, undefined);
    const before = await this.#redis.set(this.#keys.state, `${head} 0`, 'GET');
    // Finding keys means to look at those of all instances; a Redis that lost the state has none of ours.
    if (before !== null) await dropKeys(this.#redis, this.#keys.pattern);
    this.#head = head;
    this.#covered = -1;
    this.#goal = undefined;
    this.#writes = 0;
  }

  put(put: Put): Promise<PutOutcome> {
    const done = Promise.withResolvers<PutOutcome>();
    this.#waiting.push({ ...put, done });
    this.#running ??= this.#writeAll();
    return done.promise;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Everyone who is about to put something in this turn comes along.
      await new Promise((resolve) => process.nextTick(resolve));
      const group = this.#takeGroup();
      try {
        const tags = randomBytes(group.length * RECORD_TAG_BYTES);
        const tagAt = (i: number) => tags.subarray(i * RECORD_TAG_BYTES, (i + 1) * RECORD_TAG_BYTES);
        const outcomes = await this.#write(group, tagAt);
        group.forEach(({ done }, i) => {
          done.resolve(outcomes[i] === 1 ? { outcome: 'written', etag: tagOf(tagAt(i)) } : { outcome: 'conflict' });
        });
      } catch (error) {
        for (const { done } of group) done.reject(error);
      }
    }
    // In the same turn as the look above: what is put later begins anew.
    this.#running = undefined;
  }

  #takeGroup(): Waiting[] {
    let bytes = 0;
    const end = this.#waiting.findIndex(({ object }, i) => {
      bytes += object.length;
      return i === BOUNDS.records || (i > 0 && bytes > BOUNDS.bytes);
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end);
  }

  async #write(group: readonly Waiting[], tagAt: (i: number) => Buffer): Promise<number[]> {
    const before = this.#state();
    const counted = `${this.#head} ${this.#writes + 1}`;
    const goal = this.#goal;
    const isPublicNode = group.map(({ at }) => at.startsWith(this.#keys.publicNodes));
    const isLast = goal !== undefined && goal.left > 0 && goal.left === isPublicNode.filter(Boolean).length;
    const args: ScriptArgument[] = [before, counted, isLast ? `${encodeCovered(this.#epoch, goal.to)} 0` : counted];
    group.forEach(({ condition, object }, i) => {
      args.push(conditionOf(condition), Buffer.concat([tagAt(i), object]));
    });
    const keys = [this.#keys.state, ...group.map(({ at }) => at)];
    const reply = await this.#sure(runScript(this.#redis, putRecords, keys, args));
    if (!Array.isArray(reply)) throw this.#lost();
    const outcomes = reply as number[];
    if (goal !== undefined) goal.left -= outcomes.filter((outcome, i) => outcome === 1 && isPublicNode[i]).length;
    if (isLast && outcomes.every((outcome) => outcome === 1)) this.#moved(goal.to);
    else this.#writes++;
    return outcomes;
  }

  #state(): string {
    if (this.#head === undefined) throw this.#lost();
    return `${this.#head} ${this.#writes}`;
  }

  /** Without an answer, nobody knows what the state is: it is loaded again before anything more is written. */
  async #sure<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (cause) {
      this.#head = undefined;
      throw cause;
    }
  }

  #lost(): OvertakenError {
    this.#head = undefined;
    return new OvertakenError('User storage in Redis is not what was written there last');
  }
}

function conditionOf(condition: PutCondition | undefined): ScriptArgument {
  if (condition === undefined) return 'any';
  return 'absent' in condition ? 'absent' : Buffer.from(condition.ifMatch, 'hex');
}
