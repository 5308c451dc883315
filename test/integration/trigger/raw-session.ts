import { randomBytes } from 'node:crypto';
import { connectNats } from '@faaskeeper/functions/stores';
import {
  decode,
  encode,
  type Operation,
  type Reply,
  type SealedMessage,
  type SessionMessage,
  type SessionOpened,
  sessionToken,
  subjects,
  unseal,
} from '@faaskeeper/protocol';
import { servers } from '../../support/servers.ts';

type Nats = Awaited<ReturnType<typeof connectNats>>;

/** A session that does only what the test says: it sends no beats, answers no pings and sends nothing twice. */
export class RawSession {
  readonly #nats: Nats;
  readonly #names: ReturnType<typeof subjects>;
  readonly #nonce = randomBytes(16);
  readonly #key = randomBytes(32);
  readonly #waiting = new Map<string, (message: never) => void>();
  readonly received: (SealedMessage | SessionMessage)[] = [];
  opened!: SessionOpened;
  #next = 1;

  private constructor(nats: Nats, instance: string) {
    this.#nats = nats;
    this.#names = subjects(instance);
    nats.subscribe(this.#names.session(sessionToken(this.#nonce)), {
      callback: (_, { data }) => this.#receive(decode(data) as SessionMessage),
    });
  }

  static async open(instance: string, timeout: number): Promise<RawSession> {
    const { natsUrl: url, natsUser: user, natsPassword: password } = servers();
    const session = new RawSession(await connectNats({ url, user, password, name: 'raw-session' }), instance);
    await session.#nats.flush();
    const opened = session.next<SessionOpened>('opened');
    const request = { type: 'createSession', nonce: session.#nonce, key: session.#key, timeout };
    session.#nats.publish(session.#names.request('new'), encode(request));
    session.opened = await opened;
    return session;
  }

  async request(operation: Operation): Promise<Reply> {
    const { session, generation, password } = this.opened;
    const first = this.#next++;
    const replies = this.next<{ replies: Reply[] }>('replies');
    const request = { type: 'requests', session, generation, password, first, lowest: first, operations: [operation] };
    this.#nats.publish(this.#names.request(session), encode(request));
    return (await replies).replies[0] as Reply;
  }

  beat(id: number): void {
    const { session, generation, password } = this.opened;
    this.#nats.publish(this.#names.beat(session), encode({ generation, password, id }));
  }

  /** The next message of this type. */
  next<Message>(type: string): Promise<Message> {
    return new Promise((resolve) => this.#waiting.set(type, resolve));
  }

  async close(): Promise<void> {
    await this.#nats.close();
  }

  #receive(message: SessionMessage): void {
    const opened = message.type === 'sealed' ? (decode(unseal(this.#key, message.body)) as SealedMessage) : message;
    this.received.push(opened);
    const wake = this.#waiting.get(opened.type);
    this.#waiting.delete(opened.type);
    wake?.(opened as never);
  }
}
