/** What ZooKeeper promises to one session: reads never go back, own writes are seen, watches tell before data. */
import { type Call, callsOf, type Found, type Timed } from '../history.ts';
import { type Change, type Changes, nodesOf, writesOf } from './changes.ts';
import { Findings, type Verdict } from './verdict.ts';

interface SessionState {
  /** Highest zxid that it has seen. */
  seen: number;
  /** Watched nodes, and the zxid of the change that the watch was set on. */
  readonly armed: Map<string, number>;
  lastEvent: number;
}

export function judgeSessions(entries: readonly Timed[], changes: Changes): Verdict[] {
  return new SessionJudge(entries, changes).judge();
}

class SessionJudge {
  readonly #entries: readonly Timed[];
  readonly #changes: Changes;
  readonly #calls: ReadonlyMap<number, Call>;
  readonly #sessions = new Map<string, SessionState>();
  /** What the session had seen when a call began. */
  readonly #floors = new Map<number, number>();
  readonly #back = new Findings('Reads of a session never go back, and show its own writes');
  readonly #true = new Findings('Reads show what was written, once it was');
  readonly #told = new Findings('A watch tells before its session sees the change');
  readonly #order = new Findings('Watch events come in the order of zxids');

  constructor(entries: readonly Timed[], changes: Changes) {
    this.#entries = entries;
    this.#changes = changes;
    this.#calls = new Map(callsOf(entries).map((call) => [call.call, call]));
  }

  judge(): Verdict[] {
    for (const entry of this.#entries) {
      if (entry.type === 'session' && entry.kind === 'gateway' && entry.change === 'reattached') {
        this.#state(entry.session).armed.clear();
      } else if (entry.type === 'event') this.#event(this.#state(entry.session), entry);
      else if (entry.type === 'invoke') this.#floors.set(entry.call, this.#state(entry.session).seen);
      else if (entry.type === 'ok') this.#answered(this.#calls.get(entry.call) as Call);
      else if (entry.type === 'final') this.#final(entry.nodes);
    }
    return [this.#back, this.#true, this.#told, this.#order].map((findings) => findings.verdict());
  }

  #state(session: string): SessionState {
    const state = this.#sessions.get(session) ?? { seen: 0, armed: new Map(), lastEvent: 0 };
    this.#sessions.set(session, state);
    return state;
  }

  #event(state: SessionState, { session, event, path, zxid }: Timed & { type: 'event' }): void {
    const late =
      zxid < state.lastEvent && `${session}: ${event} ${path} of ${zxid} came after one of ${state.lastEvent}`;
    this.#order.look(late);
    state.lastEvent = Math.max(state.lastEvent, zxid);
    state.seen = Math.max(state.seen, zxid);
    state.armed.delete(path);
  }

  #answered(call: Call): void {
    if (call.outcome.type !== 'ok') return;
    const { operation, outcome, session } = call;
    const state = this.#state(session);
    const nodes = nodesOf(call);
    if (operation.f === 'read') {
      this.#read(call, nodes[0], this.#floors.get(call.call) ?? 0);
      for (const node of nodes) this.#content(call, node);
    }
    const shown = Math.max(outcome.result.zxid ?? 0, ...nodes.map(({ mzxid }) => mzxid));
    const synced = operation.f === 'read' && operation.sync;
    this.#expectTold(call, state, shown, synced ? call.invoked : Number.NEGATIVE_INFINITY);
    state.seen = Math.max(state.seen, shown);
    const [node] = nodes;
    if (operation.f === 'read' && operation.watch && node !== undefined && !state.armed.has(node.path)) {
      state.armed.set(node.path, node.mzxid);
    }
  }

  /** What a read found must have been so when, or after, the session had seen `floor`. */
  #read(call: Call, node: Found | undefined, floor: number): void {
    if (call.operation.f !== 'read') return;
    const { path } = call.operation;
    const known = this.#changes.of(path);
    if (node !== undefined) {
      const later = known.find(({ zxid }) => zxid > node.mzxid && zxid <= floor);
      this.#back.look(later && `${nameOf(call)} found ${node.mzxid}, but ${later.zxid} had been seen (${floor})`);
      return;
    }
    const last = known.findLast(({ zxid }) => zxid <= floor);
    const isWrong = last?.value !== undefined && !this.#mayBeDeleted(last, call);
    this.#back.look(isWrong && `${nameOf(call)} found nothing, but ${last.zxid} had been seen (${floor})`);
  }

  /** Somebody may have deleted the node after this change and before the read was answered. */
  #mayBeDeleted(change: Change, read: Call): boolean {
    for (const call of this.#calls.values()) {
      const { operation, outcome, invoked, returned } = call;
      if (operation.f !== 'delete' || operation.path !== change.path || outcome.type === 'fail') continue;
      if (outcome.type === 'ok' && outcome.result.error !== undefined) continue;
      const zxid = outcome.type === 'ok' ? outcome.result.zxid : undefined;
      if (zxid !== undefined && zxid < change.zxid) continue;
      if (invoked <= (read.returned ?? 0) && (returned ?? Number.POSITIVE_INFINITY) >= change.call.invoked) return true;
    }
    return this.#isEphemeral(change);
  }

  /** It may have gone with its session: that is judged elsewhere. */
  #isEphemeral({ call }: Change): boolean {
    return call.operation.f === 'ephemeral';
  }

  #content(call: Call, node: Found): void {
    if (node.value === '') return;
    const writer = this.#changes.writerOf(node.value);
    const written = writer && nodesOf(writer).find(({ path }) => path === node.path);
    const what = `${nameOf(call)} found ${node.value} v${node.version} of ${node.mzxid}`;
    if (writer === undefined || !writesOf(writer.operation).some(({ path }) => node.path.startsWith(path))) {
      this.#true.look(`${what}, which nobody wrote there`);
    } else if (writer.outcome.type === 'fail') {
      this.#true.look(`${what}, whose write failed (${writer.outcome.error})`);
    } else if (writer.outcome.type === 'ok' && written === undefined) {
      this.#true.look(`${what}, whose write was refused (${writer.outcome.result.error})`);
    } else if (written !== undefined && (written.mzxid !== node.mzxid || written.version !== node.version)) {
      this.#true.look(`${what}, written as v${written.version} of ${written.mzxid}`);
    } else {
      this.#true.look(writer.invoked > (call.returned ?? 0) && `${what} before it was written`);
    }
  }

  /** Changes up to `shown`, and those that were acknowledged before `acknowledged`, have been told by now. */
  #expectTold(call: Call, state: SessionState, shown: number, acknowledged: number): void {
    for (const [path, base] of state.armed) {
      const due = this.#changes.of(path).find((change) => {
        if (change.zxid <= base) return false;
        const { outcome, returned = Number.POSITIVE_INFINITY } = change.call;
        return change.zxid <= shown || (outcome.type === 'ok' && returned <= acknowledged);
      });
      const untold = `${nameOf(call)} was answered (${shown}), but the watch on ${path} had not told ${due?.zxid}`;
      this.#told.look(due && untold);
      if (due !== undefined) state.armed.delete(path);
    }
  }

  /** A reader at the end has to see everything. */
  #final(nodes: readonly (Found | { readonly path: string })[]): void {
    for (const node of nodes) {
      const operation = { f: 'read', path: node.path, sync: true, watch: false } as const;
      const found = 'value' in node ? node : undefined;
      const outcome = { type: 'ok', result: { nodes: found === undefined ? [] : [found] } } as const;
      const times = { invoked: Number.POSITIVE_INFINITY, returned: Number.POSITIVE_INFINITY };
      const read: Call = { call: -1, session: 'the reader at the end', client: -1, operation, outcome, ...times };
      this.#read(read, found, Number.POSITIVE_INFINITY);
      if (found !== undefined) this.#content(read, found);
    }
  }
}

function nameOf({ session, operation, call }: Call): string {
  const path = operation.f === 'multi' ? operation.sets.map((part) => part.path).join(', ') : operation.path;
  return `${session}: ${operation.f} ${path} (call ${call})`;
}
