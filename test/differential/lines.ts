/**
 * A transcript as lines that two servers must agree on. What differs by nature is replaced by what must not: zxids by
 * their order, session ids by names, the root by its mark; times are left out; lists of names are sorted.
 */
import { type Fields, type Incoming, operations, type Value } from '../support/zk-wire/index.ts';
import type { Note, Transcript } from './run.ts';
import { withoutRoot } from './steps.ts';

type Reply = Extract<Incoming, { kind: 'reply' }>;
type Event = Extract<Incoming, { kind: 'event' }>;

const writes = new Set<string>(['create', 'create2', 'createContainer', 'createTTL', 'delete', 'setData', 'setACL']);
const writeTypes = new Set<number>([...writes].map((name) => operations[name as keyof typeof operations].code));
const zxidFields = new Set(['czxid', 'mzxid', 'pzxid']);
/** Lists that a real server sends in the order of a hash table. */
const unordered = new Set(['children', 'ephemerals', 'clientInfo', 'acl']);
const timeFields = new Set(['ctime', 'mtime']);
const errors: Readonly<Record<string, string>> = {
  '-1': 'SystemError',
  '-5': 'MarshallingError',
  '-6': 'Unimplemented',
  '-8': 'BadArguments',
  '-101': 'NoNode',
  '-102': 'NoAuth',
  '-103': 'BadVersion',
  '-108': 'NoChildrenForEphemerals',
  '-110': 'NodeExists',
  '-111': 'NotEmpty',
  '-112': 'SessionExpired',
  '-114': 'InvalidACL',
  '-115': 'AuthFailed',
  '-118': 'SessionMoved',
  '-121': 'NoWatcher',
  '-123': 'ReconfigDisabled',
  '-125': 'QuotaExceeded',
};
const eventTypes: Readonly<Record<number, string>> = {
  1: 'NodeCreated',
  2: 'NodeDeleted',
  3: 'NodeDataChanged',
  4: 'NodeChildrenChanged',
};

const errorText = (err: number) => (err === 0 ? 'ok' : (errors[err] ?? `error ${err}`));

export function linesOf({ root, notes }: Transcript): string[] {
  const names = new Names(root, notes);
  const lines: string[] = [];
  for (const note of sortedEvents(notes)) {
    if (note.kind === 'step') lines.push(note.text);
    else lines.push(`    ${note.at} ← ${names.line(note)}`);
  }
  return lines;
}

class Names {
  readonly #root: string;
  readonly #zxids: readonly bigint[];
  readonly #sessions = new Map<bigint, string>();
  readonly #highest = new Map<number, bigint>();

  constructor(root: string, notes: readonly Note[]) {
    this.#root = root;
    this.#zxids = zxidsOf(notes);
  }

  line(note: Exclude<Note, { kind: 'step' }>): string {
    if (note.kind === 'still open') return 'still open';
    if (note.kind === 'got') return this.#incoming(note.at, note.what);
    this.#highest.delete(note.at);
    const { handshake } = note;
    if (handshake === undefined) return 'closed instead of a connect reply';
    const { protocolVersion, timeoutMs, sessionId, password, bytes } = handshake;
    if (sessionId !== 0n && !this.#sessions.has(sessionId)) this.#sessions.set(sessionId, `S${this.#sessions.size}`);
    const secret = password.every((byte) => byte === 0) ? 'no password' : `password of ${password.length}`;
    return `attached ${this.#session(sessionId)} version ${protocolVersion} timeout ${timeoutMs} ${secret}, ${bytes} bytes`;
  }

  #incoming(at: number, what: Incoming): string {
    if (what.kind === 'event') return this.#event(what);
    if (what.kind === 'reply') return this.#reply(at, what);
    return what.kind === 'garbage' ? `GARBAGE ${what.what}` : what.kind;
  }

  #event({ type, state, path, zxid }: Event): string {
    return `event ${eventTypes[type] ?? type} state ${state} ${this.#text(path)} ${zxid === -1n ? '-1' : this.#exact(zxid)}`;
  }

  #reply(at: number, { op, zxid, err, body }: Reply): string {
    const fell = zxid > 0n && zxid < (this.#highest.get(at) ?? 0n) ? ' ZXID FELL' : '';
    if (zxid > 0n) this.#highest.set(at, zxid);
    const changed = isChange({ op, err, body });
    const position = zxid <= 0n ? String(zxid) : changed ? this.#exact(zxid) : this.#covers(zxid);
    return `${op} ${errorText(err)} ${position}${fell}${this.#ahead(body, zxid)} ${this.#fields(body)}`.trimEnd();
  }

  /** No reply may show more than its header says. */
  #ahead(body: Fields, zxid: bigint): string {
    const stat = body.stat as Fields | undefined;
    return stat !== undefined && ((stat.mzxid as bigint) > zxid || (stat.pzxid as bigint) > zxid) ? ' DATA AHEAD' : '';
  }

  #fields(body: Fields): string {
    return Object.entries(body)
      .map(([name, value]) => `${name}=${this.#value(name, value)}`)
      .join(' ');
  }

  #value(name: string, value: Value): string {
    if (value === null) return 'null';
    if (Buffer.isBuffer(value)) return value.length > 40 ? `${value.length} bytes` : JSON.stringify(value.toString());
    if (typeof value === 'string') return this.#text(value);
    if (typeof value === 'bigint') return this.#number(name, value);
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#value('', item));
      return `[${(unordered.has(name) ? items.toSorted() : items).join(', ')}]`;
    }
    if (typeof value !== 'object')
      return name === 'err' || (name === 'count' && Number(value) < 0) ? errorText(value as number) : String(value);
    const entries = Object.entries(value).filter(([field]) => !timeFields.has(field));
    return `{${entries.map(([field, inner]) => `${field} ${this.#value(field, inner)}`).join(' ')}}`;
  }

  #number(name: string, value: bigint): string {
    if (zxidFields.has(name)) return this.#exact(value);
    return name === 'ephemeralOwner' ? this.#session(value) : String(value);
  }

  #session(id: bigint): string {
    return id === 0n ? 'nobody' : (this.#sessions.get(id) ?? `unknown session ${id}`);
  }

  #text(text: string): string {
    return JSON.stringify(withoutRoot(text, this.#root));
  }

  /** The zxid of a change, as its place among the changes of this sequence. */
  #exact(zxid: bigint): string {
    const index = this.#zxids.indexOf(zxid);
    return index < 0 ? `zxid ${zxid} of no change` : `#${index}`;
  }

  /** How many changes of this sequence a header's zxid covers (others may run beside it). */
  #covers(zxid: bigint): string {
    return `≥#${this.#zxids.findLastIndex((known) => known <= zxid)}`;
  }
}

function isChange({ op, err, body }: Pick<Reply, 'op' | 'err' | 'body'>): boolean {
  if (err !== 0) return false;
  if (writes.has(op)) return true;
  return op === 'multi' && (body.results as readonly Fields[]).some(({ type }) => writeTypes.has(type as number));
}

/** Every zxid at which this sequence changed something, in order. */
function zxidsOf(notes: readonly Note[]): bigint[] {
  const found = new Set<bigint>();
  const collect = (value: Value, name = ''): void => {
    if (typeof value === 'bigint') {
      if (zxidFields.has(name)) found.add(value);
    } else if (Array.isArray(value)) for (const item of value) collect(item);
    else if (value !== null && typeof value === 'object' && !Buffer.isBuffer(value)) {
      for (const [field, inner] of Object.entries(value)) collect(inner, field);
    }
  };
  for (const note of notes) {
    if (note.kind !== 'got') continue;
    if (note.what.kind === 'event' && note.what.zxid !== -1n) found.add(note.what.zxid);
    if (note.what.kind !== 'reply') continue;
    if (isChange(note.what)) found.add(note.what.zxid);
    collect(note.what.body);
  }
  return [...found].toSorted((a, b) => (a < b ? -1 : 1));
}

/** The end of a session removes its ephemerals in no particular order: events of one such zxid are sorted. */
function sortedEvents(notes: readonly Note[]): Note[] {
  const closings = new Set(
    notes.flatMap((note) =>
      note.kind === 'got' && note.what.kind === 'reply' && note.what.op === 'closeSession' ? [note.what.zxid] : [],
    ),
  );
  const closingOf = (note: Note | undefined) =>
    note?.kind === 'got' && note.what.kind === 'event' && closings.has(note.what.zxid) ? note.what : undefined;
  const sorted: Note[] = [];
  for (let index = 0; index < notes.length; ) {
    const first = closingOf(notes[index]);
    let end = index + 1;
    while (first !== undefined && closingOf(notes[end])?.zxid === first.zxid && sameSlot(notes[index], notes[end]))
      end++;
    const key = (note: Note) => `${closingOf(note)?.path} ${closingOf(note)?.type}`;
    const group = notes.slice(index, end);
    sorted.push(...(first === undefined ? group : group.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))));
    index = end;
  }
  return sorted;
}

const sameSlot = (a: Note | undefined, b: Note | undefined) => a?.kind === 'got' && b?.kind === 'got' && a.at === b.at;
