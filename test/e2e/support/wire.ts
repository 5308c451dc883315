/** A ZooKeeper session over a connection that may be made anew. */
import {
  type Address,
  type Handshake,
  type Incoming,
  WireConnection,
  type WireRequest,
} from '../../support/zk-wire/index.ts';
import { until } from './until.ts';

const OPEN_ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const CREATOR_ALL = [{ perms: 31, id: { scheme: 'auth', id: '' } }];
const EPHEMERAL = 1;
type Reply = Extract<Incoming, { kind: 'reply' }>;

export class WireSession {
  readonly #address: Address;
  readonly #connection: WireConnection;
  readonly session: Handshake;

  private constructor(address: Address, connection: WireConnection, session: Handshake) {
    this.#address = address;
    this.#connection = connection;
    this.session = session;
  }

  /** A new session, or `again` through whatever gateway is there; a timeout of 0 says that there is no such session. */
  static async open(address: Address, again?: Handshake): Promise<WireSession> {
    return until(
      async () => {
        const connection = await WireConnection.open(address);
        const { sessionId, password } = again ?? {};
        const known = sessionId === undefined || password === undefined ? {} : { sessionId, password };
        const session = await connection.handshake({ readOnly: false, timeoutMs: 40_000, ...known });
        if (session !== undefined) return new WireSession(address, connection, session);
        connection.destroy();
        throw new Error('The gateway closed the connection');
      },
      { timeoutMs: 60_000 },
    );
  }

  /** Attaches to the same session over a new connection. */
  again(): Promise<WireSession> {
    this.#connection.destroy();
    return WireSession.open(this.#address, this.session);
  }

  get lost(): boolean {
    return this.#connection.closed;
  }

  /** With `user:password`. */
  async addAuth(auth: string): Promise<number> {
    return (await this.#ask({ op: 'auth', args: { type: 0, scheme: 'digest', auth: Buffer.from(auth) } })).err;
  }

  async create(path: string, text = '', { ephemeral = false, creatorOnly = false } = {}): Promise<number> {
    const acl = creatorOnly ? CREATOR_ALL : OPEN_ACL;
    const args = { path, data: Buffer.from(text), acl, flags: ephemeral ? EPHEMERAL : 0 };
    return (await this.#ask({ op: 'create', args })).err;
  }

  async text(path: string): Promise<string | undefined> {
    const { err, body } = await this.#ask({ op: 'getData', args: { path, watch: false } });
    return err === 0 ? String(body.data) : undefined;
  }

  async exists(path: string): Promise<boolean> {
    return (await this.#ask({ op: 'exists', args: { path, watch: false } })).err === 0;
  }

  close(): void {
    this.#connection.destroy();
  }

  async #ask(request: WireRequest): Promise<Reply> {
    this.#connection.send(request);
    const incoming = await this.#connection.replies();
    const reply = incoming.find((one): one is Reply => one.kind === 'reply');
    if (reply === undefined) throw new Error(`No reply, but ${incoming.map(({ kind }) => kind).join(', ')}`);
    return reply;
  }
}
