/** Whatever a client sends ends its own connection at most. */
import { connect, type Socket } from 'node:net';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { WireConnection } from '../../support/zk-wire/index.ts';

const MAX_BUFFER = 65_536;
let gateway: TestGateway;
let witness: WireConnection;

beforeAll(async () => {
  gateway = await startTestGateway({ environment: { FAASKEEPER_MAX_BUFFER: String(MAX_BUFFER) } });
  witness = await WireConnection.open(gateway);
  await witness.handshake();
});
afterAll(async () => {
  witness?.destroy();
  await gateway?.stop();
});

/** Somebody else notices nothing. */
afterEach(async () => {
  witness.send({ op: 'exists', args: { path: '/', watch: false } }, { op: 'sync', args: { path: '/' } });
  expect(await witness.replies()).toMatchObject([{ err: 0 }, { err: 0 }]);
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Sends bytes, ends its side, and resolves when the gateway has closed the connection. */
async function throwAt(chunks: readonly Buffer[]): Promise<void> {
  const socket: Socket = connect({ host: gateway.host, port: gateway.port });
  socket.on('error', () => undefined).resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const chunk of chunks) socket.write(chunk);
  socket.end();
  await closed;
}

const CONNECT = Buffer.concat([
  Buffer.from('0000002d', 'hex'),
  Buffer.alloc(12),
  Buffer.from('00007530', 'hex'),
  Buffer.alloc(8),
  Buffer.from('00000010', 'hex'),
  Buffer.alloc(17),
]);

function frame(...parts: (Buffer | number)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part !== 'number') return part;
      const int = Buffer.alloc(4);
      int.writeInt32BE(part);
      return int;
    }),
  );
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

test('random bytes, before a session and within one (seeded)', async () => {
  const random = seeded(4_711);
  for (let round = 0; round < 60; round++) {
    const noise = Buffer.from(Array.from({ length: 1 + Math.floor(random() * 400) }, () => Math.floor(random() * 256)));
    const opcodes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 100, 101, 102, 103];
    const opcode = opcodes[Math.floor(random() * opcodes.length)] as number;
    if (round % 3 === 0) await throwAt([noise]);
    else if (round % 3 === 1) await throwAt([CONNECT, noise]);
    else await throwAt([CONNECT, frame(round, opcode, noise)]);
  }
});

test.each([
  ['a negative length', [Buffer.from('ffffff00', 'hex')]],
  ['a length beyond jute.maxbuffer', [CONNECT, Buffer.from('7fffffff', 'hex')]],
  ['a frame that never ends', [CONNECT, Buffer.from('00001000', 'hex'), Buffer.alloc(100)]],
  ['a string longer than its frame', [CONNECT, frame(1, 4, 1_000_000, Buffer.from('/a'))]],
  ['a string of negative length', [CONNECT, frame(1, 4, -7)]],
  ['a vector of two thousand million paths', [CONNECT, frame(1, 101, 0, 0, 0x7fff_ffff)]],
  ['a multi without an end', [CONNECT, frame(1, 14, ...Array.from({ length: 900 }, () => [13, 0, 0, 0, 0]).flat())]],
  ['a multi in a multi', [CONNECT, frame(1, 14, 14, Buffer.from('00ffffffff', 'hex'))]],
  ['a connect request of one byte', [frame(Buffer.from('00', 'hex'))]],
  ['nothing at all', []],
] as const)('%s', async (_, chunks) => {
  await throwAt(chunks);
});

test('a flood of requests whose replies nobody reads is not taken without bound', async () => {
  const socket = connect({ host: gateway.host, port: gateway.port });
  socket.on('error', () => undefined).pause();
  socket.write(CONNECT);
  const ask = frame(1, 12, 1, Buffer.from('/'), Buffer.from('00', 'hex'));
  const flood = Buffer.concat(Array.from({ length: 20_000 }, () => ask));
  for (let i = 0; i < 20 && socket.writableLength < 4_000_000; i++) socket.write(flood);
  witness.send({ op: 'sync', args: { path: '/' } });
  expect(await witness.replies()).toMatchObject([{ err: 0 }]);
  expect(socket.writableLength).toBeGreaterThan(0);
  socket.destroy();
});

test('bytes that trickle in are put together', async () => {
  const connection = await WireConnection.open(gateway);
  for (const byte of CONNECT) {
    connection.sendBytes(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await connection.next()).toBeDefined();
  connection.destroy();
});
