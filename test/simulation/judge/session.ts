import type { Operation } from '@faaskeeper/protocol';
import { DEFAULTS } from '../../../client/defaults.ts';
import { describe } from '../client.ts';
import type { CallRecord, Instant, SessionRecord } from '../history.ts';
import { canonical, same } from '../history.ts';
import type { EventType, Version } from '../model.ts';
import type { JudgedLog, JudgedTransaction } from './log.ts';

/** Errors that say nothing about what happened: the session is over, or another client used it. */
const UNCERTAIN = new Set([
  'SessionExpired',
  'SessionMoved',
  'SessionClosing',
  'ConnectionLoss',
  'OperationTimeout',
  'Aborted',
]);

const DATA_EVENTS: readonly EventType[] = ['NodeCreated', 'NodeDeleted', 'NodeDataChanged'];
const CHILD_EVENTS: readonly EventType[] = ['NodeDeleted', 'NodeChildrenChanged'];
const ALL_EVENTS: readonly EventType[] = ['NodeCreated', 'NodeDeleted', 'NodeDataChanged', 'NodeChildrenChanged'];

interface Request {
  readonly number: number;
  readonly operation: Operation;
  /** Those in which it was sent. */
  readonly generations: number[];
}

interface ArmedWatch {
  readonly call: CallRecord;
  readonly path: string;
  readonly types: readonly EventType[];
  /** The first change that it must tell is the first one after this zxid. */
  readonly base: number;
  readonly persistent: boolean;
}

/** What acknowledged writes of all sessions came to, in the order of time. */
export class Acknowledged {
  readonly #points: { step: number; zxid: number }[] = [];

  add(step: number, zxid: number): void {
    this.#points.push({ step, zxid });
  }

  /** The highest zxid that anyone was told before this step. */
  before(step: number): number {
    let highest = 0;
    for (const point of this.#points) if (point.step < step && point.zxid > highest) highest = point.zxid;
    return highest;
  }
}

/** What one client did and saw, against what LOG says happened. */
export class SessionJudge {
  readonly #session: SessionRecord;
  readonly #log: JudgedLog;
  readonly #violations: string[];
  readonly #transactions = new Map<CallRecord, JudgedTransaction>();
  readonly #watches: ArmedWatch[] = [];
  /** The session has certainly seen everything up to this zxid. */
  #seen = 0;

  constructor(session: SessionRecord, log: JudgedLog, violations: string[]) {
    this.#session = session;
    this.#log = log;
    this.#violations = violations;
  }

  #wrong(what: string): void {
    this.#violations.push(`${this.#session.name} (session ${this.#session.id}): ${what}`);
  }

  /** Which transaction each write came to: writes are numbered in the order of their calls. */
  matchWrites(acknowledged: Acknowledged): void {
    const { calls, id } = this.#session;
    const sent = this.#requests();
    let at = 0;
    for (const call of calls) {
      if (call.action.kind !== 'write') continue;
      // A client that finds user storage behind wakes the distributor up by a sync of its own.
      while (isWakeUp(sent[at]?.operation)) at++;
      const request = sent[at];
      // What its caller gave up in time was never sent.
      if (call.error === 'Aborted' && !same(request?.operation, call.action.operation)) continue;
      at++;
      if (request === undefined) {
        if (call.returned !== undefined && call.error === undefined && call.action.operation.type !== 'closeSession')
          this.#wrong(`${describe(call.action)} succeeded, but was never sent`);
        continue;
      }
      if (!same(request.operation, call.action.operation)) {
        this.#wrong(`call ${at} was ${describe(call.action)}, but sent was ${canonical(request.operation)}`);
        return;
      }
      const transaction = this.#log.transactions.get(`${id}/${request.number}`);
      // Another client may have given its own request this number.
      const found = transaction && request.generations.includes(transaction.generation) ? transaction : undefined;
      if (found !== undefined) this.#transactions.set(call, found);
      this.#write(call, found);
      if (found !== undefined && call.returned !== undefined && this.#isCertain(call))
        acknowledged.add(call.returned.step, found.transaction.zxid);
    }
  }

  /** What it sent, in order of the first time. A number means another request after somebody else had the session. */
  #requests(): Request[] {
    const requests: Request[] = [];
    const current = new Map<number, Request>();
    for (const { number, generation, operation } of this.#session.sent) {
      const known = current.get(number);
      const last = known?.generations.at(-1);
      if (known === undefined || last === undefined || this.#hasMoved(last, generation)) {
        const request = { number, operation, generations: [generation] };
        current.set(number, request);
        requests.push(request);
        continue;
      }
      known.generations.push(generation);
      if (!same(known.operation, operation)) this.#wrong(`sent two different requests as number ${number}`);
    }
    return requests;
  }

  /** Another client attached after the one generation, and not after the other. */
  #hasMoved(from: number, to: number): boolean {
    const { id, tokens } = this.#session;
    for (let generation = from + 1; generation <= to; generation++) {
      const token = this.#log.tokens.get(`${id}/${generation}`);
      if (token !== undefined && !tokens.has(token)) return true;
    }
    return false;
  }

  #isCertain({ action, called, returned, error }: CallRecord): boolean {
    // Whoever closes a session does not wait for ever: it expires by itself.
    const isClose = action.kind === 'write' && action.operation.type === 'closeSession';
    if (isClose && returned !== undefined && returned.time - called.time >= DEFAULTS.closeTimeout) return false;
    return error === undefined || !UNCERTAIN.has(error);
  }

  #write(call: CallRecord, found: JudgedTransaction | undefined): void {
    if (call.error === 'ConnectionLoss' && !this.#session.foreign)
      this.#wrong(`${describe(call.action)} is left to guess, although nobody else used the session`);
    if (call.action.kind !== 'write' || call.returned === undefined || !this.#isCertain(call)) return;
    const { operation } = call.action;
    if (operation.type === 'sync' || operation.type === 'closeSession') return;
    if (found === undefined) {
      this.#wrong(`${describe(call.action)} was answered (${call.error ?? 'done'}), but is not in LOG`);
      return;
    }
    const { error, result, zxid } = found.transaction;
    if (error !== call.error)
      this.#wrong(`${describe(call.action)} was answered ${call.error ?? 'done'}, but came to ${error ?? 'done'}`);
    else if (error === undefined && operation.type !== 'delete' && !same(result, call.result))
      this.#wrong(`${describe(call.action)} was answered ${canonical(call.result)}, but came to ${canonical(result)}`);
    if (zxid > this.#committed(call.returned))
      this.#wrong(`${describe(call.action)} was answered before it was committed (${zxid})`);
  }

  #committed({ committed }: Instant): number {
    return this.#log.zxids[committed] ?? 0;
  }

  /** Real time: what begins after another has ended is later. */
  judgeRealTime(acknowledged: Acknowledged): void {
    for (const [call, { transaction }] of this.#transactions) {
      const floor = acknowledged.before(call.called.step);
      if (transaction.zxid <= floor)
        this.#wrong(`${describe(call.action)} has zxid ${transaction.zxid}, but ${floor} was acknowledged before it`);
    }
  }

  /** Reads, watches and the order of answers, call by call. */
  judgeCalls(acknowledged: Acknowledged): void {
    const { opened, opening, calls } = this.#session;
    if (opened === undefined) return;
    this.#seen = acknowledged.before(opening.step);
    let lastStep = 0;
    for (const call of calls) {
      if (call.returned === undefined) continue;
      if (this.#isCertain(call)) {
        if (call.returned.step < lastStep) this.#wrong(`${describe(call.action)} was answered before an earlier call`);
        lastStep = Math.max(lastStep, call.returned.step);
      }
      if (call.action.kind === 'write') this.#seeWrite(call, call.returned);
      else if (call.action.kind === 'read' && call.found !== undefined) this.#read(call, call.returned);
      else if (call.action.kind === 'addWatch' && call.error === undefined) this.#armPersistent(call, call.returned);
    }
    this.#judgeEvents();
  }

  #seeWrite(call: CallRecord, returned: Instant): void {
    if (!this.#isCertain(call)) return;
    const isSync = call.action.kind === 'write' && call.action.operation.type === 'sync';
    const zxid = isSync ? this.#committed(call.called) : this.#transactions.get(call)?.transaction.zxid;
    if (zxid === undefined || zxid <= this.#seen) return;
    this.#seen = zxid;
    // The end of a session ends its watches.
    const isEnd = call.action.kind === 'write' && call.action.operation.type === 'closeSession';
    if (!isEnd) this.#expectTold(returned, describe(call.action));
  }

  #read(call: CallRecord, returned: Instant): void {
    if (call.action.kind !== 'read' || call.found === undefined) return;
    const { path, watch } = call.action;
    this.#seen = Math.max(this.#seen, call.toldBefore);
    this.#judgeExpiry(call, returned);
    const committed = this.#committed(returned);
    const fitting = this.#fitting(call, path, committed);
    const later = this.#nextWrite(call);
    const [first] = fitting.filter(({ until }) => until > this.#seen);
    if (first !== undefined && first.from >= later)
      this.#wrong(
        `${describe(call.action)} found ${canonical(call.found)}, of ${first.from}, but ${later} was called after it`,
      );
    if (first === undefined) {
      const known = fitting.map(({ from, until }) => `[${from}, ${until})`).join(' ') || 'never';
      this.#wrong(
        `${describe(call.action)} found ${canonical(call.found)}, which was so in ${known}, but the session had seen ${this.#seen} and LOG ended at ${committed}`,
      );
      return;
    }
    this.#seen = Math.max(this.#seen, first.from);
    this.#expectTold(returned, describe(call.action));
    if (!watch) return;
    const types = call.action.what === 'getChildren' ? CHILD_EVENTS : DATA_EVENTS;
    // Only exists watches a node that is not there.
    if (call.error !== undefined) return;
    const base = (fitting.at(-1)?.until ?? 0) - 1;
    this.#watches.push({ call, path, types, base, persistent: false });
  }

  /** zxid of the first write that the session called after this. */
  #nextWrite(call: CallRecord): number {
    const { calls } = this.#session;
    for (let at = calls.indexOf(call) + 1; at < calls.length; at++) {
      const found = this.#transactions.get(calls[at] as CallRecord);
      if (found !== undefined) return found.transaction.zxid;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** When (from, until) the node was as the read found it, as far as it was committed. */
  #fitting(call: CallRecord, path: string, committed: number): { from: number; until: number }[] {
    const versions = this.#log.model.versions(path);
    const fitting: { from: number; until: number }[] = [];
    for (const [at, version] of versions.entries()) {
      if (version.zxid > committed || !fits(version, call)) continue;
      const until = versions[at + 1]?.zxid ?? Number.POSITIVE_INFINITY;
      const last = fitting.at(-1);
      // Versions that look the same to this read are one stretch.
      if (last !== undefined && last.until === version.zxid) last.until = until;
      else fitting.push({ from: version.zxid, until });
    }
    return fitting;
  }

  #judgeExpiry(call: CallRecord, returned: Instant): void {
    const ended = this.#log.ended.get(this.#session.id);
    const { opened, foreign } = this.#session;
    if (ended === undefined || !ended.expired || foreign || opened === undefined) return;
    if (returned.time > ended.time)
      this.#wrong(
        `${describe(call.action)} was served ${Math.round(returned.time - ended.time)} ms after the session expired`,
      );
  }

  #armPersistent(call: CallRecord, returned: Instant): void {
    if (call.action.kind !== 'addWatch' || call.action.recursive) return;
    this.#watches.push({
      call,
      path: call.action.path,
      types: ALL_EVENTS,
      base: this.#committed(returned),
      persistent: true,
    });
  }

  /** Watch before data: whatever the session has seen by now, its watches have told before. */
  #expectTold(at: Instant, what: string): void {
    for (const watch of this.#watches) {
      const told = watch.call.events.filter((one) => one.at.step <= at.step);
      const change = this.#owed(watch, { seen: this.#seen, committed: this.#committed(at) }, told);
      if (change !== undefined)
        this.#wrong(
          `${what} shows zxid ${this.#seen}, but the watch of ${describe(watch.call.action)} did not tell ${change}`,
        );
    }
  }

  /** The change that a watch has not told of, and should have, when everything up to `seen` is visible. */
  #owed(
    { path, types, base, persistent }: ArmedWatch,
    { seen, committed }: { seen: number; committed: number },
    told: CallRecord['events'],
  ): number | undefined {
    // Of what a session may not read, it is told what it can find out.
    if (this.#wasHidden(path)) return undefined;
    // A one-shot watch may have been based on an earlier moment than the latest that fits what was read.
    if (!persistent && told.length > 0) return undefined;
    const lastTold = told.at(-1)?.event.zxid ?? base;
    const untold = this.#log.model
      .events(path)
      .filter(({ zxid, type }) => zxid > lastTold && zxid <= committed && types.includes(type));
    // What was made and deleted unheard leaves nothing to tell, as in ZooKeeper after an outage.
    const gone = untold[0]?.type === 'NodeCreated' ? untold.findLastIndex(({ type }) => type === 'NodeDeleted') : -1;
    const due = untold.slice(gone + 1).filter(({ zxid }) => zxid <= seen);
    return due.at(persistent ? -1 : 0)?.zxid;
  }

  #wasHidden(path: string): boolean {
    return this.#log.model.versions(path).some(({ readable }) => readable === false);
  }

  #judgeEvents(): void {
    let last = 0;
    for (const { event, at } of this.#session.told) {
      const what = `event ${event.type} ${event.path} of ${event.zxid}`;
      if (event.zxid < last) this.#wrong(`${what} came after one of ${last}`);
      last = Math.max(last, event.zxid);
      if (event.zxid > this.#committed(at)) this.#wrong(`${what} came before its transaction was committed`);
      const events = this.#log.model.events(event.path);
      // A deletion that was missed, and what could not be read, is dated by what came after it and shows it.
      const mayBeLater = event.type === 'NodeDeleted' || this.#wasHidden(event.path);
      const isReal = events.some(
        ({ zxid, type }) => type === event.type && (zxid === event.zxid || (mayBeLater && zxid < event.zxid)),
      );
      if (!isReal) this.#wrong(`${what} never happened`);
    }
    for (const { call, persistent } of this.#watches) {
      if (!persistent && call.events.length > 1)
        this.#wrong(`${describe(call.action)}: its watch fired ${call.events.length} times`);
    }
  }

  /** Nothing is left to happen: every watch has told what it owes. */
  judgeEnd(lastZxid: number): void {
    if (this.#session.state !== 'connected' || this.#session.died !== undefined) return;
    for (const watch of this.#watches) {
      const change = this.#owed(watch, { seen: lastZxid, committed: lastZxid }, watch.call.events);
      if (change !== undefined) this.#wrong(`the watch of ${describe(watch.call.action)} never told ${change}`);
    }
  }
}

/** Callers sync other paths. */
function isWakeUp(operation: Operation | undefined): boolean {
  return operation?.type === 'sync' && operation.path === '/';
}

function fits(version: Version, { found }: CallRecord): boolean {
  if (found === undefined) return false;
  if (found.denied === true) return version.readable === false;
  if (found.stat === null) return version.stat === undefined;
  if (version.readable !== true || !same(version.stat, found.stat)) return false;
  if (found.data !== undefined && found.data !== version.data) return false;
  return found.children === undefined || same(found.children, version.children);
}
