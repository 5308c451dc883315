/** Runs a sequence against one server and writes down everything that came back. */
import { type Address, type Fields, type Handshake, type Incoming, WireConnection } from '../support/zk-wire/index.ts';
import { describe, type Request, rootMark, type Step, slotCount, withRoot } from './steps.ts';

export type Note =
  | { readonly kind: 'step'; readonly text: string }
  | { readonly kind: 'attached'; readonly at: number; readonly handshake: Handshake | undefined }
  | { readonly kind: 'got'; readonly at: number; readonly what: Incoming }
  | { readonly kind: 'still open'; readonly at: number };

export interface Transcript {
  readonly root: string;
  readonly notes: readonly Note[];
}

interface Slot {
  readonly at: number;
  connection?: WireConnection | undefined;
  session?: { readonly id: bigint; readonly password: Buffer } | undefined;
  /** What the session had seen when its connection was lost, for setWatches. */
  zxidAtLoss?: bigint;
  lastZxid: bigint;
  /** Somebody else may have changed something since this slot last heard from the server. */
  behind: boolean;
}

const worldAcl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
/** How long a connection that the server should close may stay open. */
const closingMs = 3_000;
const unimplemented = -6;
const authFailed = -115;

/** One server, or several in front of the same data: then every connection goes to the next of them. */
export type Server = Address | readonly Address[];

export async function run(server: Server, root: string, steps: readonly Step[]): Promise<Transcript> {
  const runner = new Runner('host' in server ? [server] : server, root);
  try {
    return { root, notes: await runner.run(steps) };
  } finally {
    runner.destroy();
  }
}

class Runner {
  readonly #addresses: readonly Address[];
  #connections = 0;
  readonly #root: string;
  readonly #notes: Note[] = [];
  readonly #slots: Slot[];
  readonly #abandoned: WireConnection[] = [];

  constructor(addresses: readonly Address[], root: string) {
    this.#addresses = addresses;
    this.#root = root;
    this.#slots = Array.from({ length: slotCount + 1 }, (_, at) => ({ at, lastZxid: 0n, behind: false }));
  }

  async run(steps: readonly Step[]): Promise<Note[]> {
    const observer = this.#slots[slotCount]!;
    this.#note({ kind: 'step', text: 'the root is made' });
    await this.#request(observer, { op: 'create', args: { path: '~', data: '', acl: worldAcl, flags: 0 } });
    for (const step of steps) {
      this.#note({ kind: 'step', text: describe(step) });
      await this.#step(this.#slots[step.at]!, step);
      for (const slot of this.#slots) slot.behind ||= slot.at !== step.at;
    }
    this.#note({ kind: 'step', text: 'every session hears what is left, and is closed' });
    const users = this.#slots.slice(0, slotCount);
    for (const slot of users) await this.#catchUp(slot);
    for (const slot of users) {
      if (slot.connection !== undefined) await this.#close(slot);
      for (const other of users) if (other !== slot) await this.#catchUp(other, true);
    }
    observer.behind = true;
    this.#note({ kind: 'step', text: 'what is left' });
    await this.#survey(observer, rootMark);
    await this.#close(observer);
    return this.#notes;
  }

  destroy(): void {
    for (const { connection } of this.#slots) connection?.destroy();
    for (const connection of this.#abandoned) connection.destroy();
  }

  async #step(slot: Slot, step: Step): Promise<void> {
    if (step.do === 'request') return this.#request(slot, step.request);
    if (step.do === 'drop') return this.#lose(slot);
    await this.#ready(slot);
    if (step.do === 'burst') return this.#exchange(slot, step.requests);
    if (step.do === 'close') return this.#close(slot);
    if (step.do === 'move') return this.#move(slot);
    await this.#trespass(slot, step.do === 'intrude');
  }

  async #request(slot: Slot, request: Request): Promise<void> {
    await this.#ready(slot);
    await this.#exchange(slot, [request]);
  }

  async #exchange(slot: Slot, requests: readonly Request[]): Promise<void> {
    const { connection } = slot;
    if (connection === undefined) return;
    connection.send(...requests.map(({ op, args }) => ({ op, args: this.#placed(slot, op, args) })));
    let ending = false;
    for (const what of await connection.replies()) {
      this.#note({ kind: 'got', at: slot.at, what });
      if (what.kind === 'closed' || what.kind === 'silence' || what.kind === 'garbage') this.#lose(slot);
      ending ||= what.kind === 'reply' && (what.err === unimplemented || what.err === authFailed);
    }
    if (ending) await this.#expectEnd(slot);
  }

  /** Connected, and aware of all that happened before. */
  async #ready(slot: Slot): Promise<void> {
    if (slot.connection === undefined) await this.#attach(slot);
    await this.#catchUp(slot);
  }

  /** A sync: what it brings with it (events) counts, itself it does not. */
  async #catchUp(slot: Slot, force = false): Promise<void> {
    if (slot.connection === undefined || !(slot.behind || force)) return;
    slot.behind = false;
    slot.connection.send({ op: 'sync', args: { path: this.#root } });
    for (const what of await slot.connection.replies()) {
      if (what.kind === 'reply' && what.err === 0) continue;
      this.#note({ kind: 'got', at: slot.at, what });
      if (what.kind !== 'event') this.#lose(slot);
    }
  }

  async #attach(slot: Slot): Promise<void> {
    const connection = await this.#connect();
    const { session, lastZxid } = slot;
    const handshake = await connection.handshake(
      session === undefined
        ? { readOnly: slot.at === 1 ? undefined : slot.at === 2 }
        : { sessionId: session.id, password: session.password, lastZxidSeen: lastZxid, readOnly: false },
    );
    this.#note({ kind: 'attached', at: slot.at, handshake });
    slot.connection = connection;
    slot.behind = true;
    if (handshake !== undefined && handshake.sessionId !== 0n) {
      slot.session = { id: handshake.sessionId, password: handshake.password };
    } else {
      slot.session = undefined;
      this.#lose(slot);
    }
  }

  #connect(): Promise<WireConnection> {
    return WireConnection.open(this.#addresses[this.#connections++ % this.#addresses.length]!);
  }

  #lose(slot: Slot): void {
    if (slot.connection === undefined) return;
    slot.lastZxid = slot.connection.lastZxid;
    slot.zxidAtLoss = slot.connection.lastZxid;
    slot.connection.destroy();
    slot.connection = undefined;
  }

  async #close(slot: Slot): Promise<void> {
    await this.#exchange(slot, [{ op: 'closeSession', args: {} }]);
    await this.#expectEnd(slot);
    this.#lose(slot);
    slot.session = undefined;
    slot.lastZxid = 0n;
    delete slot.zxidAtLoss;
  }

  async #expectEnd(slot: Slot): Promise<void> {
    const { connection, at } = slot;
    if (connection === undefined) return;
    const what = await connection.next(closingMs);
    if (what.kind === 'silence') return this.#note({ kind: 'still open', at });
    this.#note({ kind: 'got', at, what });
    this.#lose(slot);
  }

  async #move(slot: Slot): Promise<void> {
    const earlier = slot.connection;
    if (earlier === undefined) return;
    this.#abandoned.push(earlier);
    slot.lastZxid = earlier.lastZxid;
    slot.zxidAtLoss = earlier.lastZxid;
    await this.#attach(slot);
    this.#note({ kind: 'got', at: slot.at, what: await earlier.next(closingMs) });
  }

  /** Somebody without the right to it: with a wrong password, or from the future. */
  async #trespass(slot: Slot, intrude: boolean): Promise<void> {
    const { session } = slot;
    if (session === undefined) return;
    // A real server lets the session's own connection go before it looks at the password: not worth copying.
    if (intrude) this.#lose(slot);
    const connection = await this.#connect();
    const handshake = intrude
      ? await connection.handshake({ sessionId: session.id, password: Buffer.alloc(16, 7), readOnly: false })
      : await connection.handshake({ lastZxidSeen: 1n << 60n, readOnly: false });
    this.#note({ kind: 'attached', at: slot.at, handshake });
    if (handshake !== undefined) this.#note({ kind: 'got', at: slot.at, what: await connection.next(closingMs) });
    connection.destroy();
  }

  /** Reads a node and everything below it. */
  async #survey(slot: Slot, path: string): Promise<void> {
    const from = this.#notes.length;
    await this.#request(slot, { op: 'getData', args: { path, watch: false } });
    await this.#request(slot, { op: 'getACL', args: { path } });
    await this.#request(slot, { op: 'getChildren2', args: { path, watch: false } });
    for (const note of this.#notes.slice(from)) {
      if (note.kind !== 'got' || note.what.kind !== 'reply') continue;
      const children = (note.what.body.children ?? []) as readonly string[];
      for (const child of children.toSorted()) await this.#survey(slot, `${path}/${child}`);
    }
  }

  /** Arguments with the root in place of its mark. */
  #placed(slot: Slot, op: Request['op'], args: Fields): Fields {
    const placed = JSON.parse(JSON.stringify(args), (_key, value) =>
      typeof value === 'string' ? withRoot(value, this.#root) : value,
    ) as Fields;
    if (op !== 'setWatches' && op !== 'setWatches2') return placed;
    return { ...placed, relativeZxid: slot.zxidAtLoss ?? slot.connection?.lastZxid ?? 0n };
  }

  #note(note: Note): void {
    this.#notes.push(note);
  }
}
