import {
  encode,
  type InstanceSpec,
  isFaaSKeeperError,
  type StorageKeys,
  SystemError,
  storageKeys,
  subjects,
} from '@faaskeeper/protocol';
import { reportFault } from '../faults.ts';
import type { RequestsAnswer, RequestsInvocation } from '../invocations.ts';
import type { LogEntry } from '../log-entry.ts';
import { expectInLog } from '../log-reader.ts';
import { Mutex } from '../parallel.ts';
import type { Outside } from '../ports.ts';
import { Backoff, RETRY } from '../retry.ts';
import { rollForward } from '../roll-forward.ts';
import { readWatermark } from '../stored-watermark.ts';
import { stage } from '../tracing.ts';
import {
  type DeadLetter,
  decodeIncoming,
  foreseen,
  genesis,
  hex,
  type Incoming,
  type Judged,
  judge,
  type PendingReply,
} from '../transactions/index.ts';
import { append } from './append.ts';
import { Applier } from './applier.ts';
import { committedMessages } from './committed.ts';
import { answerDeferred } from './deferred.ts';
import { KnownState, type Loading, StoreMoved } from './known-state.ts';
import { keepLagBounded } from './lag.ts';
import { Lease } from './lease.ts';
import { Repairs } from './repairs.ts';
import { send, sendReplies } from './replies.ts';
import { knowTotals } from './totals.ts';

/** Rounds of loading that one judgement may need: each finds at least one value more, in practice two suffice. */
const MAX_LOADS = 100;

/**
 * Orders, validates and commits the transactions of one instance (invariants 1 to 5). Any number of writers may run:
 * the log refuses those whose judgement is outdated.
 */
export class Writer {
  readonly #outside: Outside;
  readonly #spec: InstanceSpec;
  readonly #keys: StorageKeys;
  readonly #lease: Lease;
  #known: KnownState | undefined;
  /** A watermark (zxid) that is surely stored. */
  #visible = 0;
  /** Watchers were told everything up to this zxid, be it visible or not. */
  #toldTo = -1;
  /** Batches run one after the other. */
  readonly #lane = new Mutex();
  /** Behind the replies, before the next reads of the system store. */
  readonly #applier: Applier;
  readonly #repairs: Repairs;

  constructor(outside: Outside, spec: InstanceSpec) {
    this.#outside = outside;
    this.#spec = spec;
    this.#keys = storageKeys(spec.storagePrefix);
    this.#lease = new Lease(outside, 'writer', hex(outside.random.bytes(8)));
    this.#repairs = new Repairs(outside, subjects(spec.id).systemRequest);
    this.#applier = new Applier(outside, (err) => {
      // The entries are in LOG; the next batch starts by rolling the store forward.
      outside.logger.warn({ err, instance: spec.id }, 'entries are not applied yet');
      this.#known = undefined;
    });
  }

  /**
   * Commits a batch. Resolves when it is durable and answered; what it asked twice is answered with its first result.
   *
   * @throws HaltedError when the stores disagree so that data was lost; SystemError when a store does not answer: the
   * trigger sends the batch again.
   */
  handle(invocation: RequestsInvocation): Promise<RequestsAnswer> {
    return this.#lane.run(() => this.#batch(invocation));
  }

  async close(): Promise<void> {
    await this.#lane.run(async () => {
      await this.#applier.drain();
      if (this.#known !== undefined) await this.#lease.release();
    });
  }

  async #batch({ requests, watermark }: RequestsInvocation): Promise<RequestsAnswer> {
    const { systemRequest } = subjects(this.#spec.id);
    const incoming = requests.flatMap(({ subject, payload }) => decodeIncoming(subject, payload, systemRequest));
    const passwords: Uint8Array[] = [];
    const password = (index: number) => {
      passwords[index] ??= this.#outside.random.bytes(16);
      return passwords[index];
    };
    const backoff = new Backoff(this.#outside, RETRY.conflict);
    for (;;) {
      const committed = await this.#attempt(incoming, watermark, password);
      if (committed !== undefined) return committed;
      this.#known = undefined;
      if (!(await backoff.wait())) throw new SystemError('The batch met other writers too often');
    }
  }

  /** Undefined when the judgement was outdated: what is known is then thrown away and the batch judged again. */
  async #attempt(
    incoming: readonly Incoming[],
    watermark: number,
    password: (index: number) => Uint8Array,
  ): Promise<RequestsAnswer | undefined> {
    const { tracing } = this.#outside;
    try {
      const known = await this.#current();
      const visible = Math.max(watermark, this.#visible);
      await keepLagBounded(this.#outside, this.#keys, { zxid: known.zxid, visible });
      const judged = await stage(tracing, 'validate', () => this.#judge(known, incoming, watermark, password));
      const entry = this.#entry(known, judged);
      const isNew = entry.transactions.length > 0;
      if (isNew) {
        await this.#applier.keepUp();
        const appending = () => append(this.#outside, this.#keys, entry, known.sequence);
        if (!(await stage(tracing, 'append', appending))) return undefined;
        known.advance(judged.draft, known.sequence + 1, entry.zxid);
      }
      // The replies first: callers wait for them, nobody waits for the store.
      stage(tracing, 'reply', () => {
        this.#answer(judged, known);
        // To those who have not been told what is before it, it is of no use.
        if (isNew && Math.max(visible, this.#toldTo) >= entry.zxidBefore) this.#tell(entry);
      });
      if (isNew) this.#applier.add({ generation: known.generation, sequence: known.sequence, entry });
      for (const pending of judged.replies) if (pending.deferred !== undefined) void this.#answerLater(pending);
      return answerOf(judged, known);
    } catch (error) {
      this.#known = undefined;
      if (error instanceof StoreMoved) return undefined;
      throw error;
    }
  }

  async #current(): Promise<KnownState> {
    if (this.#known === undefined) {
      await this.#applier.drain();
      await this.#lease.acquire();
      await this.#checkVisible();
      const state = await rollForward(this.#outside, this.#spec);
      const known = new KnownState(state, this.#outside.system);
      if (known.sequence === 0) await this.#beginTree(known);
      else if (this.#spec.limits !== undefined) await knowTotals(known, this.#outside.system);
      this.#known = known;
    }
    this.#lease.keep();
    return this.#known;
  }

  /** What is visible must be in LOG, or have been: otherwise LOG lost data (invariant 3). */
  async #checkVisible(): Promise<void> {
    const position = (await readWatermark(this.#outside, this.#keys))?.position;
    if (position === undefined) return;
    await expectInLog(this.#outside, position.sequence, 'user storage');
    this.#visible = position.zxid;
  }

  /** The first entry of a new instance. */
  async #beginTree(known: KnownState): Promise<void> {
    const entry = genesis(hex(this.#outside.random.bytes(16)));
    if (!(await append(this.#outside, this.#keys, entry, 0))) throw new StoreMoved('The tree has begun');
    known.sequence = 1;
    this.#applier.add({ generation: known.generation, sequence: 1, entry });
  }

  async #judge(
    known: KnownState,
    incoming: readonly Incoming[],
    watermark: number,
    password: (index: number) => Uint8Array,
  ): Promise<Judged> {
    const { clock, logger } = this.#outside;
    const loading = known.loading();
    const circumstances = {
      spec: this.#spec,
      time: clock.now(),
      zxid: known.zxid,
      watermark: Math.max(watermark, this.#visible),
      logger,
      password,
    };
    await this.#load(loading, foreseen(incoming));
    for (let round = 0; round < MAX_LOADS; round++) {
      const outcome = judge(incoming, loading, circumstances);
      if ('judged' in outcome) return outcome.judged;
      await this.#load(loading, outcome.missing);
    }
    throw new SystemError('A batch needs more rounds of loading than any batch can');
  }

  async #load(loading: Loading, missing: Parameters<Loading['load']>[0]): Promise<void> {
    if (missing.every(({ table, key }) => loading.get(table, key) !== undefined)) return;
    await this.#applier.drain();
    await loading.load(missing);
  }

  #entry(known: KnownState, { transactions, progress, zxid, time, totals }: Judged): LogEntry {
    return {
      id: hex(this.#outside.random.bytes(16)),
      time,
      zxidBefore: known.zxid,
      zxid,
      transactions,
      progress,
      ...(totals === null ? {} : { totals }),
    };
  }

  #answer({ replies, notices, deadLetters }: Judged, known: KnownState): void {
    const { notifications } = this.#outside;
    for (const { to, message } of notices) send(notifications, this.#spec.id, to, message);
    sendReplies(
      notifications,
      this.#spec.id,
      replies.filter(({ deferred }) => deferred === undefined),
    );
    for (const [index, letter] of deadLetters.entries()) void this.#bury(letter, `${known.sequence}-${index}`);
  }

  #tell(entry: LogEntry): void {
    const messages = committedMessages(entry, subjects(this.#spec.id));
    for (const { subject, payload } of messages) this.#outside.notifications.publish(subject, payload);
    if (messages.length > 0) this.#toldTo = entry.zxid;
  }

  async #answerLater({ to, reply, deferred }: PendingReply): Promise<void> {
    if (deferred === undefined) return;
    try {
      await this.#applier.drain();
      const result = await answerDeferred(this.#outside, this.#keys, deferred, this.#repairs);
      const answered = result === undefined ? { ...reply, error: 'NoNode' as const } : { ...reply, result };
      sendReplies(this.#outside.notifications, this.#spec.id, [{ to, reply: answered }]);
    } catch (err) {
      // The client asks again: a query has no kept result.
      this.#outside.logger.warn({ err, instance: this.#spec.id, deferred: deferred.type }, 'a read is not answered');
      if (!isFaaSKeeperError(err) || (err.code !== 'Damaged' && err.code !== 'NewerFormat')) return;
      sendReplies(this.#outside.notifications, this.#spec.id, [{ to, reply: { ...reply, error: err.code } }]);
    }
  }

  async #bury(letter: DeadLetter, id: string): Promise<void> {
    const { notifications, logger } = this.#outside;
    const { reason, subject } = letter;
    reportFault(this.#outside, 'poison', { instance: this.#spec.id, reason, subject }, 'a request is poison');
    try {
      await notifications.store(subjects(this.#spec.id).dead('request'), encode(letter), id);
    } catch (err) {
      logger.error({ err, instance: this.#spec.id }, 'a dead letter could not be stored');
    }
  }
}

function answerOf(judged: Judged, known: KnownState): RequestsAnswer {
  const effects = judged.transactions.flatMap((transaction) => transaction.effects);
  const registrations = effects.flatMap((effect) => {
    if (effect.type === 'register') return [{ id: effect.registration.id, removed: false }];
    return effect.type === 'unregister' ? [{ id: effect.id, removed: true }] : [];
  });
  const timed = effects.some(
    (effect) =>
      effect.type === 'put' &&
      effect.change === 'created' &&
      (effect.meta.kind === 'container' || effect.meta.kind === 'ttl'),
  );
  return { sequence: known.sequence, zxid: known.zxid, sessions: [...judged.sessions], timed, registrations };
}
