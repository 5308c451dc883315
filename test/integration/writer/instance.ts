import {
  decodeAs,
  encode,
  type InstanceSpec,
  instanceSpecSchema,
  OPEN_ACL_UNSAFE,
  type Operation,
  type Reply,
  type SealedMessage,
  sealedMessageSchema,
  sessionMessageSchema,
  sessionToken,
  subjects,
  unseal,
  validate,
} from '@faaskeeper/protocol';
import type { Outside } from '../../../functions/core/ports.ts';
import { Writer } from '../../../functions/core/writer/index.ts';
import { declareStreams, systemClock, systemRandom } from '../../../functions/stores/index.ts';
import { servers, type TestServers, uniqueId } from '../../support/servers.ts';
import { openTestStores } from '../../support/stores.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export function creation(path: string, mode: 'PERSISTENT' | 'EPHEMERAL' | 'PERSISTENT_SEQUENTIAL' = 'PERSISTENT') {
  return { type: 'create' as const, path, data: null, acl: [...OPEN_ACL_UNSAFE], mode };
}

/** One instance on real servers whose writers are called directly, as the trigger would. */
export class WriterInstance implements AsyncDisposable {
  readonly spec: InstanceSpec;
  readonly outside: Outside;
  readonly #writers: Writer[] = [];
  readonly #close: () => Promise<void>;

  private constructor(spec: InstanceSpec, outside: Outside, close: () => Promise<void>) {
    this.spec = spec;
    this.outside = outside;
    this.#close = close;
  }

  static async open(on: TestServers = servers()): Promise<WriterInstance> {
    const shared = await openTestStores(on);
    const id = uniqueId();
    const spec = validate(instanceSpecSchema, { id, storagePrefix: `${id}/` }, 'spec');
    await declareStreams(shared.nats, spec);
    const outside: Outside = {
      ...shared.instance(spec),
      clock: systemClock,
      random: systemRandom,
      logger: silent,
    };
    return new WriterInstance(spec, outside, () => shared.close());
  }

  writer(replaced: Partial<Outside> = {}): Writer {
    const writer = new Writer({ ...this.outside, ...replaced }, this.spec);
    this.#writers.push(writer);
    return writer;
  }

  async session(writer: Writer): Promise<TestSession> {
    const session = new TestSession(this);
    await session.open(writer);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#writers.map((writer) => writer.close()));
    await this.#close();
  }
}

/** A session that keeps all that it was told. */
export class TestSession {
  readonly replies: Reply[] = [];
  readonly notices: SealedMessage[] = [];
  id = 0;
  generation = 0;
  password = new Uint8Array(16);
  next = 1;
  readonly #instance: WriterInstance;
  readonly #nonce = systemRandom.bytes(16);
  readonly #key = systemRandom.bytes(32);
  #told: (() => void)[] = [];

  constructor(instance: WriterInstance) {
    this.#instance = instance;
    instance.outside.notifications.subscribe(subjects(instance.spec.id).session(sessionToken(this.#nonce)), (payload) =>
      this.#receive(payload),
    );
  }

  async open(writer: Writer): Promise<void> {
    await this.#instance.outside.notifications.flush();
    await writer.handle({ watermark: 0, requests: [this.opening()] });
    await this.until(() => this.id > 0);
  }

  opening(): { subject: string; payload: Uint8Array } {
    const message = { type: 'createSession', nonce: this.#nonce, key: this.#key, timeout: 10_000 };
    return { subject: subjects(this.#instance.spec.id).request('new'), payload: encode(message) };
  }

  request(operations: Operation[], first = this.next): { subject: string; payload: Uint8Array } {
    if (first === this.next) this.next += operations.length;
    const { id: session, generation, password } = this;
    const message = { type: 'requests', session, generation, password, first, lowest: 1, operations };
    return { subject: subjects(this.#instance.spec.id).request(session), payload: encode(message) };
  }

  async do(writer: Writer, ...operations: Operation[]): Promise<Reply[]> {
    const first = this.next;
    await writer.handle({ watermark: 0, requests: [this.request(operations)] });
    const wanted = operations.map((_, index) => first + index);
    const answers = () => wanted.map((number) => this.replies.find((reply) => reply.number === number));
    await this.until(() => answers().every((reply) => reply !== undefined));
    return answers() as Reply[];
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#told.push(resolve));
  }

  #receive(payload: Uint8Array): void {
    const outer = decodeAs(sessionMessageSchema, payload, 'message');
    if (outer.type !== 'sealed') return;
    const message = decodeAs(sealedMessageSchema, unseal(this.#key, outer.body), 'sealed message');
    if (message.type === 'replies') this.replies.push(...message.replies);
    else this.notices.push(message);
    if (message.type === 'opened') {
      this.id = message.session;
      this.generation = message.generation;
      this.password = message.password as Uint8Array<ArrayBuffer>;
    }
    for (const tell of this.#told.splice(0)) tell();
  }
}
