/**
 * Captures byte-exact frames of a real ZooKeeper into test/unit/gateway/vectors.json: what a client sends, as our writers
 * make it and the server understands it, and what it answers.
 *
 *   node --conditions=source test/tools/capture-vectors.ts [host:port]
 *
 * Without an address it starts a ZooKeeper of its own. With `--print` nothing is written, and replies are shown.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decode,
  JuteReader,
  type JuteRecord,
  JuteWriter,
  OPCODES,
  type OpName,
  type Part,
  type RecordName,
  read,
  readMultiResults,
  write,
  writeMulti,
  XIDS,
} from '@faaskeeper/gateway/jute';
import { startZooKeeper, waitFor } from '../../operator/servers/index.ts';

export interface Vector {
  readonly name: string;
  /** Content of the frame, without its length. */
  readonly hex: string;
  /** `connect`: no header. */
  readonly from: 'client' | 'server';
  /** The operation; `connect` and `event` have none. */
  readonly op: OpName | 'connect' | 'event';
}

const OPEN = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const utf8 = (text: string) => new TextEncoder().encode(text);

class Wire {
  readonly vectors: Vector[] = [];
  readonly print: boolean;
  #socket: Socket;
  #bytes = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => undefined;
  #xid = 0;

  constructor(socket: Socket, print: boolean) {
    this.#socket = socket;
    this.print = print;
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
    socket.on('error', () => undefined);
  }

  async frame(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#bytes.length >= 4 && this.#bytes.length >= 4 + this.#bytes.readInt32BE(0)) {
        const end = 4 + this.#bytes.readInt32BE(0);
        const frame = this.#bytes.subarray(4, end);
        this.#bytes = this.#bytes.subarray(end);
        return frame;
      }
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, 2_000).unref();
      });
    }
  }

  async connect(
    name: string,
    request: JuteRecord<'ConnectRequest'>,
  ): Promise<JuteRecord<'ConnectResponse'> | undefined> {
    this.#send(name, 'connect', (writer) => write.ConnectRequest(writer, request));
    const frame = await this.frame();
    if (frame === undefined) return undefined;
    this.#keep(name, 'connect', frame);
    return decode('ConnectResponse', frame);
  }

  /** Sends a request and takes frames up to its reply. */
  async ask(name: string, op: OpName, body: (writer: JuteWriter) => void, xid = ++this.#xid): Promise<void> {
    this.#send(name, op, (writer) => {
      write.RequestHeader(writer, { xid, type: OPCODES[op].code });
      body(writer);
    });
    for (;;) {
      const frame = await this.frame();
      if (frame === undefined) {
        if (this.print) console.log(name, op, 'CLOSED');
        return;
      }
      const reader = new JuteReader(frame);
      const header = read.ReplyHeader(reader);
      if (header.xid === XIDS.event) {
        this.#keep(`${name}, its event`, 'event', frame);
        if (this.print) console.log(name, 'EVENT', header.zxid, JSON.stringify(read.WatcherEvent(reader)));
        continue;
      }
      this.#keep(name, op, frame);
      if (this.print)
        console.log(name, op, JSON.stringify(header), frame.length - 16, describe(op, header.err, reader));
      return;
    }
  }

  record<Name extends RecordName>(name: string, op: OpName, record: Name, value: JuteRecord<Name>, xid?: number) {
    const body = (writer: JuteWriter) => (write[record] as (to: JuteWriter, value: unknown) => void)(writer, value);
    return this.ask(name, op, body, xid);
  }

  multi(name: string, parts: readonly Part[], op: OpName = 'multi') {
    return this.ask(name, op, (writer) => writeMulti(writer, parts));
  }

  async closed(): Promise<boolean> {
    return (await this.frame()) === undefined;
  }

  end(): void {
    this.#socket.destroy();
  }

  #send(name: string, op: Vector['op'], body: (writer: JuteWriter) => void): void {
    const writer = new JuteWriter();
    writer.begin();
    body(writer);
    writer.end();
    const bytes = Buffer.concat(writer.take());
    this.vectors.push({ name, from: 'client', op, hex: bytes.subarray(4).toString('hex') });
    this.#socket.write(bytes);
  }

  #keep(name: string, op: Vector['op'], frame: Buffer): void {
    this.vectors.push({ name, from: 'server', op, hex: frame.toString('hex') });
  }
}

function describe(op: OpName, err: number, reader: JuteReader): string {
  if (reader.remaining === 0) return '';
  const { response } = OPCODES[op];
  if (err !== 0) return `error with ${reader.remaining} bytes`;
  const value = response === 'multi' ? readMultiResults(reader) : read[response](reader);
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `0x${part.toString(16)}` : part));
}

async function open(host: string, port: number, print: boolean): Promise<Wire> {
  const socket = connect({ host, port, noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return new Wire(socket, print);
}

const FRESH = { protocolVersion: 0, lastZxidSeen: 0, timeOut: 10_000, sessionId: 0, passwd: new Uint8Array(16) };

/** Every operation once or more, with its errors. */
async function capture(wire: Wire, at: string): Promise<void> {
  await wire.connect('a new session', { ...FRESH, readOnly: false });
  const node = `${at}/a`;
  await wire.record('create', 'create', 'CreateRequest', { path: at, data: null, acl: OPEN, flags: 0 });
  await wire.record('create2', 'create2', 'CreateRequest', { path: node, data: utf8('data'), acl: OPEN, flags: 0 });
  await wire.record('create what exists', 'create', 'CreateRequest', { path: node, data: null, acl: OPEN, flags: 0 });
  await wire.record('createContainer', 'createContainer', 'CreateRequest', {
    path: `${at}/container`,
    data: utf8(''),
    acl: OPEN,
    flags: 4,
  });
  await wire.record('createTTL', 'createTTL', 'CreateTTLRequest', {
    path: `${at}/ttl`,
    data: null,
    acl: OPEN,
    flags: 5,
    ttl: 86_400_000,
  });
  await wire.record('an ephemeral sequence', 'create2', 'CreateRequest', {
    path: `${at}/e-`,
    data: utf8('ä€𝄞'),
    acl: OPEN,
    flags: 3,
  });
  await wire.record('a null ACL', 'create', 'CreateRequest', { path: `${at}/x`, data: null, acl: null, flags: 0 });
  await wire.record('exists with a watch', 'exists', 'ExistsRequest', { path: node, watch: true });
  await wire.record('exists not', 'exists', 'ExistsRequest', { path: `${at}/none`, watch: true });
  await wire.record('getData', 'getData', 'GetDataRequest', { path: node, watch: true });
  await wire.record('getData of null', 'getData', 'GetDataRequest', { path: at, watch: false });
  await wire.record('setData', 'setData', 'SetDataRequest', { path: node, data: utf8('more'), version: 0 });
  await wire.record('setData of an old version', 'setData', 'SetDataRequest', { path: node, data: null, version: 0 });
  await wire.record('getACL', 'getACL', 'GetACLRequest', { path: node });
  await wire.record('setACL', 'setACL', 'SetACLRequest', { path: node, acl: OPEN, version: 0 });
  await wire.record('getChildren', 'getChildren', 'GetChildrenRequest', { path: at, watch: true });
  await wire.record('getChildren2', 'getChildren2', 'GetChildren2Request', { path: node, watch: false });
  await wire.record('sync', 'sync', 'SyncRequest', { path: at });
  await wire.record('ping', 'ping', 'Nothing', {}, XIDS.ping);
  await wire.multi('multi', [
    { op: 'create', path: `${at}/m`, data: utf8('m'), acl: OPEN, flags: 0 },
    { op: 'create2', path: `${at}/n`, data: null, acl: OPEN, flags: 0 },
    { op: 'setData', path: `${at}/m`, data: utf8('mm'), version: -1 },
    { op: 'check', path: `${at}/m`, version: 1 },
    { op: 'delete', path: `${at}/n`, version: -1 },
  ]);
  await wire.multi('a multi that fails', [
    { op: 'create', path: `${at}/o`, data: null, acl: OPEN, flags: 0 },
    { op: 'check', path: `${at}/m`, version: 7 },
    { op: 'delete', path: `${at}/m`, version: -1 },
  ]);
  await wire.multi('an empty multi', []);
  await wire.multi(
    'multiRead',
    [
      { op: 'getData', path: node, watch: false },
      { op: 'getChildren', path: at, watch: false },
      { op: 'getData', path: `${at}/none`, watch: false },
    ],
    'multiRead',
  );
  await wire.record('auth', 'auth', 'AuthPacket', { type: 0, scheme: 'digest', auth: utf8('user:secret') }, XIDS.auth);
  await wire.record('auth by ip', 'auth', 'AuthPacket', { type: 0, scheme: 'ip', auth: utf8('') }, XIDS.auth);
  await wire.record('whoAmI', 'whoAmI', 'Nothing', {});
  await wire.record('addWatch', 'addWatch', 'AddWatchRequest', { path: node, mode: 0 });
  await wire.record('addWatch, recursive', 'addWatch', 'AddWatchRequest', { path: at, mode: 1 });
  await wire.record('addWatch of no mode', 'addWatch', 'AddWatchRequest', { path: at, mode: 7 });
  await wire.record('addWatch of no path', 'addWatch', 'AddWatchRequest', { path: 'x//y', mode: 0 });
  await wire.record('checkWatches', 'checkWatches', 'CheckWatchesRequest', { path: node, type: 3 });
  await wire.record('checkWatches of no type', 'checkWatches', 'CheckWatchesRequest', { path: node, type: 9 });
  await wire.record('removeWatches', 'removeWatches', 'RemoveWatchesRequest', { path: node, type: 3 });
  await wire.record('removeWatches of none', 'removeWatches', 'RemoveWatchesRequest', { path: node, type: 2 });
  const watches = { relativeZxid: 1, dataWatches: [node, `${at}/none`], existWatches: [node], childWatches: [at] };
  await wire.record('setWatches', 'setWatches', 'SetWatches', watches, XIDS.setWatches);
  const more = { ...watches, persistentWatches: [node], persistentRecursiveWatches: [at] };
  await wire.record('setWatches2', 'setWatches2', 'SetWatches2', more, XIDS.setWatches);
  await wire.record('getEphemerals', 'getEphemerals', 'GetEphemeralsRequest', { prefixPath: at });
  await wire.record('getAllChildrenNumber', 'getAllChildrenNumber', 'GetAllChildrenNumberRequest', { path: at });
  await wire.record('reconfig', 'reconfig', 'ReconfigRequest', {
    joiningServers: null,
    leavingServers: '1',
    newMembers: null,
    curConfigId: -1,
  });
  await wire.record('deleteContainer', 'deleteContainer', 'DeleteContainerRequest', { path: `${at}/container` });
  await wire.record('delete', 'delete', 'DeleteRequest', { path: node, version: -1 });
  await wire.record('delete what has children', 'delete', 'DeleteRequest', { path: at, version: -1 });
  await wire.record('closeSession', 'closeSession', 'Nothing', {});
}

/** What ends a connection, each on one of its own. */
async function captureEnds(host: string, port: number, print: boolean): Promise<Vector[]> {
  const ends: Vector[] = [];
  const on = async (work: (wire: Wire) => Promise<unknown>) => {
    const wire = await open(host, port, print);
    await work(wire);
    wire.end();
    ends.push(...wire.vectors);
  };
  const old = await open(host, port, print);
  const session = await old.connect('a new session of an old client', FRESH);
  await on((wire) => wire.connect('an unknown session', { ...FRESH, sessionId: 0x1234, readOnly: false }));
  if (session !== undefined) {
    await on((wire) => wire.connect('a wrong password', { ...FRESH, sessionId: session.sessionId, readOnly: true }));
    await on((wire) => wire.connect('a session again', { ...FRESH, ...session, timeOut: 5_000, readOnly: false }));
  }
  const opened = (work: (wire: Wire) => Promise<unknown>) =>
    on(async (wire) => {
      await wire.connect('for an error', { ...FRESH, readOnly: false });
      await work(wire);
      if (print)
        console.log('   closed:', await Promise.race([wire.closed(), new Promise((r) => setTimeout(r, 500, false))]));
    });
  await opened((wire) => wire.record('check alone', 'check', 'CheckVersionRequest', { path: '/', version: -1 }));
  await opened((wire) => wire.record('sasl', 'sasl', 'GetSASLRequest', { token: utf8('x') }));
  const auth = (scheme: string) => (wire: Wire) =>
    wire.record(`auth by ${scheme}`, 'auth', 'AuthPacket', { type: 0, scheme, auth: utf8('x') }, XIDS.auth);
  for (const scheme of ['world', 'nothing', 'digest', 'x509', 'sasl', 'super']) await opened(auth(scheme));
  old.end();
  return [...old.vectors, ...ends];
}

async function main(): Promise<void> {
  const print = process.argv.includes('--print');
  const address = process.argv.slice(2).find((one) => !one.startsWith('--'));
  const dataDir = await mkdtemp(join(tmpdir(), 'faaskeeper-vectors-'));
  const own = address === undefined ? await startZooKeeper({ dataDir }) : undefined;
  const [host = '', port = ''] = (address ?? own?.connectString ?? '').split(':');
  // It answers its port a moment before it takes sessions.
  await waitFor(
    async () => {
      const wire = await open(host, Number(port), false);
      const session = await wire.connect('', { ...FRESH, timeOut: 4_000 });
      wire.end();
      if (session === undefined) throw new Error('it takes no sessions yet');
    },
    { timeoutMs: 20_000 },
  );
  const wire = await open(host, Number(port), print);
  await capture(wire, `/vectors${print ? Date.now() : ''}`);
  wire.end();
  const vectors = [...wire.vectors, ...(await captureEnds(host, Number(port), print))];
  const file = join(import.meta.dirname, '../unit/gateway/vectors.json');
  if (!print) await writeFile(file, `${JSON.stringify(vectors, null, 2)}\n`);
  console.log(`${vectors.length} frames`);
  await own?.stop();
  await rm(dataDir, { recursive: true, force: true });
}

await main();
