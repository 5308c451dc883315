import { type CreateMode, FaaSKeeper, isFaaSKeeperError, type MultiOp, type WatchEvent } from '@faaskeeper/client';
import { type Acl, OPEN_ACL_UNSAFE, type Operation, Permission, type Stat, subjects } from '@faaskeeper/protocol';
import type { Action, CallRecord, History, SessionRecord } from './history.ts';
import { SimProcess } from './process.ts';
import type { Surroundings } from './surroundings.ts';

const bytes = (data: string) => new TextEncoder().encode(data);
const text = (data: Uint8Array | null) => (data === null ? '' : Buffer.from(data).toString());

/** A process with one client in it, which writes down what it does and what comes of it. */
export class SimClient {
  readonly process: SimProcess;
  readonly record: SessionRecord;
  readonly #history: History;
  #client: FaaSKeeper | undefined;
  #outstanding = 0;

  private constructor(process: SimProcess, history: History, record: SessionRecord) {
    this.process = process;
    this.record = record;
    this.#history = history;
    process.onDeath(() => {
      record.died = history.now();
    });
  }

  /** Opens a session, or attaches to one. */
  static open(
    world: Surroundings,
    history: History,
    options: { name: string; timeout: number; attach?: SimClient; cache: boolean },
  ): SimClient {
    const { name, timeout, attach, cache } = options;
    const process = new SimProcess(world.scheduler, name);
    const record = history.begin(name, timeout, attach !== undefined);
    const made = new SimClient(process, history, record);
    if (attach !== undefined) attach.record.foreign = true;
    const outside = world.client(process);
    const { messaging } = outside;
    const prefix = subjects(world.spec.id).request('new').slice(0, -3);
    const recording = {
      ...outside,
      messaging: Object.assign(Object.create(messaging) as typeof messaging, {
        publish: (subject: string, payload: Uint8Array) => {
          if (subject.startsWith(prefix)) history.published(record, payload);
          messaging.publish(subject, payload);
        },
      }),
    };
    FaaSKeeper.over(recording, {
      instance: world.spec.id,
      prefix: world.spec.storagePrefix,
      sessionTimeout: timeout,
      requestTimeout: Number.POSITIVE_INFINITY,
      connectTimeout: 120_000,
      ...(cache ? {} : { cache: false }),
      ...(attach === undefined ? {} : { session: attach.credentials }),
    }).then(
      (client) => made.#opened(client),
      (error: unknown) => {
        process.note(`cannot open a session: ${String(error)}`);
        record.state = 'closed';
      },
    );
    return made;
  }

  get ready(): boolean {
    return this.#client !== undefined && this.process.alive && ['connected', 'suspended'].includes(this.record.state);
  }

  /** Calls without a result. */
  get outstanding(): number {
    return this.process.alive ? this.#outstanding : 0;
  }

  get over(): boolean {
    return !this.process.alive || ['closed', 'expired'].includes(this.record.state);
  }

  get credentials(): { id: number; password: Uint8Array } {
    if (this.#client === undefined) throw new Error('There is no session yet');
    return { id: this.#client.sessionId, password: this.#client.sessionPassword };
  }

  /** Does it, without waiting for what comes of it. */
  do(action: Action): CallRecord {
    const call: CallRecord = {
      action,
      called: this.#history.now(),
      toldBefore: this.record.told.reduce((max, { event }) => Math.max(max, event.zxid), 0),
      events: [],
    };
    this.record.calls.push(call);
    this.process.note(`calls ${describe(action)}`);
    this.#outstanding++;
    this.#perform(action, call).then(
      (result) => this.#returned(call, result),
      (error: unknown) => this.#failed(call, error),
    );
    return call;
  }

  #opened(client: FaaSKeeper): void {
    this.#client = client;
    this.record.id = client.sessionId;
    this.record.opened = this.#history.now();
    this.record.state = client.state;
    this.process.note(`has session ${client.sessionId}`);
    client.on('state', (state) => {
      this.record.state = state;
      this.process.note(`is ${state}`);
    });
  }

  async #perform(action: Action, call: CallRecord): Promise<unknown> {
    const client = this.#client;
    if (client === undefined) throw new Error('There is no session yet');
    const watch = (event: WatchEvent) => this.#told(call, event);
    switch (action.kind) {
      case 'write':
        return await write(client, action.operation, this.#signal(action.abortAfter));
      case 'addWatch':
        return await client.addWatch(action.path, action.recursive ? 'PERSISTENT_RECURSIVE' : 'PERSISTENT', watch);
      case 'read': {
        const options = action.watch ? { watch } : {};
        return await read(client, action.what, action.path, options).then((found) => {
          call.found = found;
        });
      }
    }
  }

  #signal(ms: number | undefined): { signal?: AbortSignal } {
    if (ms === undefined) return {};
    const controller = new AbortController();
    this.process.after(ms, 'abort', () => controller.abort());
    return { signal: controller.signal };
  }

  #told(call: CallRecord, event: WatchEvent): void {
    const at = this.#history.now();
    call.events.push({ event, at });
    this.record.told.push({ event, at });
    this.process.note(`is told ${event.type} ${event.path} of ${event.zxid}`);
  }

  #returned(call: CallRecord, result: unknown): void {
    this.#outstanding--;
    call.returned = this.#history.now();
    call.result = result;
    const seen = call.found === undefined ? '' : `: ${seenOf(call.found)}`;
    this.process.note(`returns ${describe(call.action)}${seen}`);
  }

  #failed(call: CallRecord, error: unknown): void {
    this.#outstanding--;
    call.returned = this.#history.now();
    call.error = isFaaSKeeperError(error) ? error.code : String(error);
    this.process.note(`fails ${describe(call.action)}: ${call.error}`);
    if (call.action.kind !== 'read') return;
    if (call.error === 'NoNode') call.found = { stat: null };
    if (call.error === 'NoAuth') call.found = { stat: null, denied: true };
  }
}

function seenOf({ stat, data, children }: NonNullable<CallRecord['found']>): string {
  if (stat === null) return 'absent';
  return `czxid ${stat.czxid} mzxid ${stat.mzxid} pzxid ${stat.pzxid} ${data ?? ''}${children?.join(',') ?? ''}`;
}

async function read(
  client: FaaSKeeper,
  what: 'exists' | 'getData' | 'getChildren',
  path: string,
  options: { watch?: (event: WatchEvent) => void },
): Promise<NonNullable<CallRecord['found']>> {
  if (what === 'exists') return { stat: await client.exists(path, options) };
  if (what === 'getData') {
    const { data, stat } = await (options.watch === undefined ? client.getData(path) : client.getData(path, options));
    return { stat, data: text(data) };
  }
  const { children, stat } = await client.getChildren2(path, options);
  return { stat, children };
}

async function write(client: FaaSKeeper, operation: Operation, options: { signal?: AbortSignal }): Promise<unknown> {
  switch (operation.type) {
    case 'create':
      return await client.create2(operation.path, operation.data, {
        ...options,
        mode: operation.mode,
        acl: operation.acl,
        ...(operation.ttl === undefined ? {} : { ttl: operation.ttl }),
      });
    case 'delete':
      return await client.delete(operation.path, operation.version);
    case 'setData':
      return await client.setData(operation.path, operation.data, operation.version, options);
    case 'setACL':
      return await client.setACL(operation.path, operation.acl, operation.version);
    case 'multi':
      return await client.multi(operation.operations.map((part) => ({ ...part }) as MultiOp));
    case 'sync':
      return void (await client.sync(operation.path));
    case 'closeSession':
      return await client.close();
    default:
      throw new Error(`The simulation does not do ${operation.type}`);
  }
}

/** Everyone may do everything but read. */
export const HIDDEN_ACL: readonly Acl[] = [
  { scheme: 'world', id: 'anyone', permissions: Permission.ALL & ~Permission.READ },
];

/** What the client will send for it. */
export const make = {
  create: (
    path: string,
    data: string,
    mode: CreateMode = 'PERSISTENT',
    extra: { acl?: readonly Acl[]; ttl?: number } = {},
  ): Operation & { type: 'create' } => ({
    type: 'create',
    path,
    data: bytes(data),
    acl: [...(extra.acl ?? OPEN_ACL_UNSAFE)],
    mode,
    ...(extra.ttl === undefined ? {} : { ttl: extra.ttl }),
  }),
  setACL: (path: string, acl: readonly Acl[], version = -1): Operation & { type: 'setACL' } => ({
    type: 'setACL',
    path,
    acl: [...acl],
    version,
  }),
  delete: (path: string, version = -1) => ({ type: 'delete', path, version }) as const,
  setData: (path: string, data: string, version = -1) =>
    ({ type: 'setData', path, data: bytes(data), version }) as const,
  check: (path: string, version = -1) => ({ type: 'check', path, version }) as const,
};

export function describe(action: Action): string {
  if (action.kind === 'read') return `${action.what} ${action.path}${action.watch ? ' with a watch' : ''}`;
  if (action.kind === 'addWatch') return `addWatch ${action.path}${action.recursive ? ' recursive' : ''}`;
  return describeOperation(action.operation);
}

export function describeOperation(operation: Operation): string {
  if (operation.type === 'multi') return `multi(${operation.operations.map(describeOperation).join('; ')})`;
  const { type } = operation;
  const path = 'path' in operation ? ` ${operation.path}` : '';
  const version = 'version' in operation && operation.version >= 0 ? ` v${operation.version}` : '';
  const data = 'data' in operation && operation.data ? ` "${text(operation.data)}"` : '';
  const mode = 'mode' in operation && operation.mode !== 'PERSISTENT' ? ` ${operation.mode}` : '';
  const acl = 'acl' in operation && operation.acl[0]?.permissions !== Permission.ALL ? ' hidden' : '';
  return `${type}${path}${mode}${acl}${version}${data}`;
}

export type { Stat };
