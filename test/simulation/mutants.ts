/** A deliberate mistake in the protocol: a text of one file that is replaced while it is loaded. */
export interface Mutant {
  readonly name: string;
  /** Relative to the project. */
  readonly file: string;
  /** Must be in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** What the sentence that is taken out is for. */
  readonly because: string;
}

const WRITER = 'functions/core/writer';
const TRANSACTIONS = 'functions/core/transactions';
const DISTRIBUTOR = 'functions/core/distributor';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'append without expected sequence',
    file: `${WRITER}/append.ts`,
    find: 'outside.log.append(payload, expected, signal)',
    replace: 'outside.log.append(payload, (await outside.log.bounds()).last, signal)',
    because: 'the log refuses what was judged by an outdated state (invariant 1)',
  },
  {
    name: 'an append without an answer counts as done',
    file: `${WRITER}/append.ts`,
    find: "if (attempt.outcome === 'appended') return true;",
    replace: "if (attempt.outcome !== 'refused') return true;",
    because: 'only an acknowledged append, or an entry that was read, decides (invariant 1)',
  },
  {
    name: 'answer before the append',
    file: `${WRITER}/writer.ts`,
    find: 'await this.#applier.keepUp();',
    replace: 'this.#answer(judged, known); await this.#applier.keepUp();',
    because: 'a reply is a promise (invariant 5)',
  },
  {
    name: 'the store may have moved between two reads',
    file: `${WRITER}/known-state.ts`,
    find: '    this.#expectUnmoved(state);\n    for (const [index',
    replace: '    for (const [index',
    because: 'what a batch is judged by is read at one applied sequence of one generation (invariant 3)',
  },
  {
    name: 'a repeated request is done again',
    file: `${TRANSACTIONS}/judge.ts`,
    find: 'if (number <= last) {',
    replace: 'if (number < 0) {',
    because: 'a request that comes again returns its first result (invariant 4)',
  },
  {
    name: 'a request does not wait for its predecessor',
    file: `${TRANSACTIONS}/judge.ts`,
    find: 'if (message.first > this.#draft.progress(session.id).last + 1) return false;',
    replace: '',
    because: 'requests of a session are done in their order (invariant 4)',
  },
  {
    name: 'requests of an older attachment are done',
    file: `${TRANSACTIONS}/judge.ts`,
    find: 'if (message.generation !== session?.generation) {',
    replace: 'if (session === null) {',
    because: 'requests name the generation (invariant 4)',
  },
  {
    name: 'a batch that changes nothing is not appended',
    file: `${TRANSACTIONS}/judge.ts`,
    find: 'if (this.#unproven && this.#transactions.length === 0) this.#commit({ effects: [] });',
    replace: '',
    because: 'the append proves that a refusal, too, was judged by the newest state (invariant 1)',
  },
  {
    name: 'ephemeral nodes outlive their session',
    file: `${TRANSACTIONS}/sessions.ts`,
    find: 'for (const path of [...draft.ephemerals(session.id)].sort()) {',
    replace: 'for (const path of [...draft.ephemerals(session.id)].sort().slice(1)) {',
    because: 'they go in the closing transaction (invariant 11)',
  },
  {
    name: 'a sweep does not look at what it was decided on',
    file: `${TRANSACTIONS}/system.ts`,
    find: "if (!unchanged) throw new Refusal('BadVersion');",
    replace: '',
    because: 'requests of the system name what they were decided on (invariant 11)',
  },
  {
    name: 'watermark before the objects',
    file: `${DISTRIBUTOR}/distributor.ts`,
    find: '    const seen: SeenChange[] = [];\n',
    replace:
      '    const seen: SeenChange[] = [];\n    this.#publishWatermark({ zxid: last.entry.zxid, previous: before.zxid, entries: null });\n',
    because: 'everything at or below W is visible (invariant 6)',
  },
  {
    name: 'the watermark lists nothing',
    file: `${DISTRIBUTOR}/feed.ts`,
    find: 'if (seen.length > LIMITS.watermarkEntries) return null;',
    replace: 'if (seen.length > 0) return encodeWatermarkEntries(new Map());',
    because: 'the feed may lose a change, W makes it exact (invariant 7)',
  },
  {
    name: 'objects are written without condition',
    file: `${DISTRIBUTOR}/object-cache.ts`,
    find: 'this.#objects.put(key, encodeNodeObject(object), condition)',
    replace: 'this.#objects.put(key, encodeNodeObject(object))',
    because: 'zombies are fenced by conditional writes (invariant 9)',
  },
  {
    name: 'a missing part of LOG is not fetched',
    file: `${DISTRIBUTOR}/distributor.ts`,
    find: '        await this.#fill(next, sequence - 1);\n',
    replace: '',
    because: 'a distributor starts at W + 1 and fetches what it lacks (invariant 6)',
  },
  {
    name: 'a damaged object is not noticed',
    file: 'client/protocol/encoding.ts',
    find: "if (checksum(bytes, body) !== view.getUint32(4)) throw damaged('corrupt: its checksum does not match');",
    replace: '',
    because: 'a damaged object is reported and repaired, never served',
  },
  {
    name: 'the client forgets what a lost watermark may have said',
    file: 'client/watermark.ts',
    find: 'if (previous > value || this.#bytes === null)',
    replace: 'if (this.#bytes === null)',
    because: 'each W names its predecessor (invariant 7)',
  },
  {
    name: 'what was read again may be newer than the watermark',
    file: 'client/watermark.ts',
    find: 'this.#hooks.ahead?.(step.zxid) === true',
    replace: 'false',
    because: 'a change that was missed is told before anything later is seen (invariant 7)',
  },
  {
    name: 'an attachment that comes again attaches again',
    file: `${TRANSACTIONS}/judge.ts`,
    find: 'if (session.superseded?.includes(token)) {',
    replace: 'if (session.superseded?.includes(token) && false) {',
    because: 'a redelivered request changes nothing (invariant 4)',
  },
  {
    name: 'a read does not wait for the watermark',
    file: 'client/reads/read-call.ts',
    find: 'if (reader.watermark < newest) return false;',
    replace: '',
    because: 'an object above W is not returned (invariant 6)',
  },
  {
    name: 'a read that is too old counts',
    file: 'client/reads/read-call.ts',
    find: 'const old = targets.filter((one) => !this.#isCurrent(one));',
    replace: 'const old = targets.filter(() => false);',
    because: 'a GET counts only if it was issued when W covered what was seen (invariant 6)',
  },
  {
    name: 'a write is shown before earlier watch events',
    file: 'client/engine.ts',
    find: "(!covered && !this.#telling && (this.watches.armed === 0 || operation.type === 'closeSession'))",
    replace: '!covered',
    because: 'a session with watches completes a write when W covers it (invariant 5)',
  },
  {
    name: 'a silent session goes on serving',
    file: 'client/session/session.ts',
    find: "return this.state === 'connected' && this.#outside.clock.now() < this.#beats.deadline;",
    replace: "return this.state !== 'connecting';",
    because: 'a client is suspended before it can have expired (schedule 3)',
  },
  {
    name: 'a client keeps its numbers after another one had its session',
    file: 'client/session/session.ts',
    find: 'if (answer.heldSince <= this.generation) return;',
    replace: 'if (answer.heldSince > 0) return;',
    because: 'a number means one request of one client (invariant 4)',
  },
  {
    name: 'an opened session counts from its answer',
    file: 'client/session/session.ts',
    find: 'const since = link.since ?? clock.now();',
    replace: 'const since = clock.now();',
    because: 'the system counts from when it heard of the session, at the earliest when it was asked (invariant 11)',
  },
  {
    name: 'a change that was heard hides an earlier one that was not',
    file: 'client/watches/watched-path.ts',
    find: `return own > last
    ? !heard.some((change) => change.zxid === last && change.path === path && change.feed === feed)
    : own < last;`,
    replace: 'return own < last;',
    because: 'each change that W lists was heard, or its node is read again (invariant 7)',
  },
  {
    name: 'the cache answers with what a step under way outdates',
    file: 'client/reads/reader.ts',
    find: 'const exactAt = Math.max(one.issuedAt, this.#outdatedTo);',
    replace: 'const exactAt = one.issuedAt;',
    because: 'a cached node is served while W covers it (invariant 8)',
  },
  {
    name: 'the cache is not told what changed',
    file: 'client/view.ts',
    find: 'this.#cache.outdate(message.after(this.value));',
    replace: '',
    because: 'a cached node is dropped before W moves past its change (invariant 8)',
  },
  {
    name: 'a lane of LOG that rests is not told of what is appended',
    file: 'functions/core/trigger/instance.ts',
    find: '    owned.log.expect(answer.sequence);',
    replace: '',
    because: 'what is durable becomes visible, also after an idle time (invariant 12)',
  },
  {
    name: 'only the newest result is kept for those who ask again',
    file: `${TRANSACTIONS}/judge.ts`,
    find: "const kept = this.#draft.get('result', resultKey(session.id, number));",
    replace: "const kept = this.#draft.get('result', resultKey(session.id, this.#draft.progress(session.id).last));",
    because: 'ten requests that are sent again return ten first results (schedule 4)',
  },
  {
    name: 'an expiry does not look at the attachment it was decided on',
    file: `${TRANSACTIONS}/system.ts`,
    find: "if (session.generation !== operation.generation) throw new Refusal('SessionMoved');",
    replace: '',
    because: 'requests and expiries name the generation (schedule 5)',
  },
  {
    name: 'a session that is asked for twice is opened twice',
    file: `${TRANSACTIONS}/judge.ts`,
    find: 'if (known !== null) {',
    replace: 'if (known !== null && known < 0) {',
    because: 'createSession carries a nonce (schedule 6)',
  },
  {
    name: 'a rebuild takes the place of what was rebuilt meanwhile',
    file: 'test/simulation/servers/system-store.ts',
    find: 'if (content === undefined || this.state?.generation !== replaces) return',
    replace: 'if (content === undefined) return',
    because: 'rebuilds switch by comparison (schedule 7)',
  },
  {
    name: 'an entry is applied twice, or before its predecessor',
    file: 'test/simulation/servers/system-store.ts',
    find: "    if (this.state.applied >= sequence) return 'repeated';\n    if (this.state.applied !== after) return 'gap';\n",
    replace: '',
    because: 'applying refuses gaps and repeats (invariant 3)',
  },
  {
    name: 'tombstones are deleted without condition',
    file: `${DISTRIBUTOR}/sweep.ts`,
    find: "if ((await objects.deleteIf(at.key, stored.etag)) === 'deleted') return true;",
    replace: 'await objects.delete([at.key]); return true;',
    because: 'a node that was made again stays (schedule 9)',
  },
  {
    name: 'a checkpoint goes beyond what is visible',
    file: 'functions/core/checkpoint/checkpointer.ts',
    find: 'const target = await this.#lane.storedSequence();',
    replace: 'const target = (await this.#outside.log.bounds()).last;',
    because: 'checkpoints fold LOG, and trim it, only up to the stored watermark (schedule 11)',
  },
  {
    name: 'a trigger that takes over knows only of new sessions',
    file: 'functions/core/trigger/loader.ts',
    find: 'await this.#targets.sessions.load();',
    replace: '',
    because: 'the table of sessions comes from the applied state (schedule 13)',
  },
  {
    name: 'LOG that has lost data is not noticed',
    file: 'functions/core/log-reader.ts',
    find: 'if (last >= sequence) return;',
    replace: 'return;',
    because: 'LOG behind what was applied or visible halts the instance (schedule 16)',
  },
  {
    name: 'the watermark before the feed',
    file: `${DISTRIBUTOR}/distributor.ts`,
    find: '    for (const { subject, payload } of [...changeMessages(',
    replace:
      '    const all = { zxid: entries.at(-1)!.zxid, previous };\n    this.#publishWatermark(watermarkOf(seen, all), systemWatermarkOf(seen, all));\n    for (const { subject, payload } of [...changeMessages(',
    because: 'a change that is heard costs no read (invariant 7)',
  },
  {
    name: 'a node names chunks that are not stored yet',
    file: `${DISTRIBUTOR}/node-writer.ts`,
    find: 'await inParallel(edit.written,',
    replace: 'void inParallel(edit.written,',
    because: "a node's object names chunks that are there (schedule 18)",
  },
  {
    name: 'what a client missed while it was away is taken for nothing',
    file: 'client/watermark.ts',
    find: '} else this.add(Published.gap(zxid));',
    replace: '} else {\n      this.value = Math.max(this.value, zxid);\n      this.#hooks.taken();\n    }',
    because: 'a reconnect compares with the last complete watermark (invariant 7)',
  },
  {
    name: "a beat's answer says nothing of the watermark",
    file: 'client/session/session.ts',
    find: 'this.#hooks.onWatermark(message.watermark);',
    replace: '',
    because: 'a watermark that was lost last is made good by the next beat (schedule 2)',
  },
  {
    name: 'reads overtake writes',
    file: 'client/reads/order.ts',
    find: "if (call.kind === 'write' ? this.#undeliveredReads > 0 : this.#unansweredWrites > 0) return;",
    replace: "if (call.kind === 'write' && this.#undeliveredReads > 0) return;",
    because: 'a pipelined set and get: the get returns what was set (schedule 17)',
  },
  {
    name: 'writes overtake reads',
    file: 'client/reads/order.ts',
    find: "if (call.kind === 'write' ? this.#undeliveredReads > 0 : this.#unansweredWrites > 0) return;",
    replace: "if (call.kind !== 'write' && this.#unansweredWrites > 0) return;",
    because: 'a read does not see a write that was called after it (ZooKeeper: FIFO per client)',
  },
  {
    name: 'a client that was cut off is suspected for it',
    file: 'functions/core/trigger/sessions.ts',
    find: 'this.#table.grace(this.#outside.clock.now());',
    replace: '',
    because: 'nobody is suspected for time in which the trigger was cut off (invariant 11)',
  },
  {
    name: 'a lane is acknowledged before its function has answered',
    file: 'functions/core/trigger/lane.ts',
    find: '        const answer = await this.#options.post(batch);\n',
    replace: '        source.acknowledge(last.sequence);\n        const answer = await this.#options.post(batch);\n',
    because: 'what is not done comes again (schedule 14)',
  },
];
