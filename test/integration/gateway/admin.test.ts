/** The admin's side: every four-letter word beside a real ZooKeeper's, and the commands of its admin server. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { startReference, type Target } from '../../differential/targets.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { has } from '../../support/programs.ts';
import { type Address, WireConnection } from '../../support/zk-wire/index.ts';

const OPEN_ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const java = has('java', '-version') && has('mvn');

let gateway: TestGateway;
let reference: Target | undefined;
const clients: WireConnection[] = [];

beforeAll(async () => {
  [gateway, reference] = await Promise.all([startTestGateway(), java ? startReference() : undefined]);
  for (const server of [gateway, reference]) if (server !== undefined) clients.push(await watchingClient(server));
}, 60_000);
afterAll(async () => {
  for (const client of clients) client.destroy();
  await Promise.all([gateway?.stop(), reference?.stop()]);
});

/** It has a node of its own and two watches. */
async function watchingClient(server: Address): Promise<WireConnection> {
  const client = await WireConnection.open(server);
  await client.handshake({ timeoutMs: 30_000, readOnly: false });
  client.send(
    { op: 'create', args: { path: '/own', data: Buffer.from('x'), acl: OPEN_ACL, flags: 1 } },
    { op: 'exists', args: { path: '/other', watch: true } },
    { op: 'getData', args: { path: '/own', watch: true } },
  );
  expect(await client.replies()).toMatchObject([{ err: 0 }, { err: -101 }, { err: 0 }]);
  return client;
}

async function say(word: string, { host, port }: Address): Promise<string> {
  const socket = connect({ host, port });
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.write(word);
  await once(socket, 'close');
  return text;
}

/** Without what is another number or name on every server, and without the connection that asks. */
function shape(text: string): string[] {
  const lines = text
    .split('\n')
    .filter((line) => !/\[0\]\(queued/.test(line))
    .map((line) =>
      line
        .replace(/0x[0-9a-f]+/g, 'HEX')
        .replace(/\d+(\.\d+)?/g, 'N')
        .replace(/^(Zookeeper version:).*/, '$1'),
    );
  return lines;
}

/** Words whose whole text has one form. */
const SAME = ['ruok', 'isro', 'srvr', 'stat', 'wchs', 'dirs', 'gtmk'];
/** Words that list named values: ours are among ZooKeeper's, unless they are about what it does not have. */
const NAMED: readonly [word: string, between: RegExp, ownNames: RegExp][] = [
  ['mntr', /\t/, /^zk_cached_(nodes|bytes)$/],
  // Settings of ZooKeeper, too, which its conf leaves out.
  ['conf', /=/, /^(jute\.maxbuffer|maxCnxns|globalOutstandingLimit)$/],
  ['envi', /=/, /^node\.version$/],
];

const withJava = java ? test : test.skip;

withJava.each(SAME)('%s has the form of ZooKeeper', async (word) => {
  expect(shape(await say(word, gateway))).toEqual(shape(await say(word, reference!)));
});

withJava.each(['wchc', 'wchp'])('%s tells the same watches, in any order', async (word) => {
  const [ours, theirs] = await Promise.all([say(word, gateway), say(word, reference!)]);
  expect(shape(ours).toSorted()).toEqual(shape(theirs).toSorted());
});

withJava('cons has the same fields, but for latencies of single connections', async () => {
  const fields = async (server: Address) =>
    [...(await say('cons', server)).matchAll(/[(,](\w+)=/g)].map(([, name]) => name as string);
  const [ours, theirs] = await Promise.all([fields(gateway), fields(reference!)]);
  const known = new Set(['lresp', 'llat', 'minlat', 'avglat', 'maxlat']);
  expect(new Set(ours)).toEqual(new Set(theirs.filter((name) => !known.has(name))));
  expect(await say('cons', gateway)).toMatch(/lop=GETD/);
});

withJava.each(NAMED)('what %s tells is called as in ZooKeeper', async (word, between, ownNames) => {
  const names = async (server: Address) => {
    const text = await say(word, server);
    return text.split('\n').flatMap((line) => (between.test(line) ? [line.split(between)[0] as string] : []));
  };
  const [ours, theirs] = await Promise.all([names(gateway), names(reference!)]);
  expect(ours.length).toBeGreaterThan(2);
  expect(ours.filter((name) => !theirs.includes(name) && !ownNames.test(name))).toEqual([]);
});

test('dump lists the sessions; hash and stmk are answered, what is no word is not', async () => {
  expect(await say('dump', gateway)).toMatch(/^Sessions of this gateway \(1\):\n\t0x[0-9a-f]+\t30000ms\n$/);
  expect(await say('hash', gateway)).toBe('');
  expect(await say('stmk\0\0\0\0\0\0\0\0', gateway)).toBe('0');
  expect(await say('nono\0\0\0\0', gateway)).toBe('');
});

test('counters begin again after srst and crst', async () => {
  expect(await say('srst', gateway)).toBe('Server stats reset.\n');
  expect(await say('crst', gateway)).toBe('Connection stats reset.\n');
  expect(await say('cons', gateway)).toMatch(/\[1\]\(queued=0,recved=0,sent=0,/);
});

/** The answers of a real 3.9.5's admin server to the same, without what does not exist here. */
const COMMANDS: readonly [name: string, aliases: string[], answer: Record<string, unknown>][] = [
  ['ruok', [], {}],
  ['is_read_only', ['isro'], { read_only: false }],
  [
    'connections',
    ['cons'],
    {
      connections: [
        {
          remote_socket_address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          outstanding_requests: 0,
          packets_received: expect.any(Number),
          packets_sent: expect.any(Number),
          session_id: expect.any(Number),
          last_operation: 'GETD',
          established: expect.any(Number),
          session_timeout: 30_000,
          last_cxid: 3,
          last_zxid: expect.any(Number),
        },
      ],
      secure_connections: [],
    },
  ],
  ['watch_summary', ['wchs'], { num_connections: 1, num_paths: 2, num_total_watches: 2 }],
  [
    'watches_by_path',
    ['wchp'],
    { path_to_session_ids: { '/own': [expect.any(Number)], '/other': [expect.any(Number)] } },
  ],
  ['watches', ['wchc'], { session_id_to_watched_paths: expect.anything() }],
  ['configuration', ['conf'], { client_port: expect.any(Number), max_client_cnxns: 0, server_id: 0 }],
  ['environment', ['envi'], expect.objectContaining({ 'host.name': expect.any(String) })],
  [
    'monitor',
    ['mntr'],
    expect.objectContaining({
      version: expect.stringMatching(/^3\.9\.5/),
      server_state: 'standalone',
      num_alive_connections: 1,
      avg_latency: expect.any(Number),
      max_latency: expect.any(Number),
      outstanding_requests: 0,
      packets_received: expect.any(Number),
      watch_count: 2,
      uptime: expect.any(Number),
    }),
  ],
  ['server_stats', ['srvr'], expect.objectContaining({ read_only: false, server_stats: expect.anything() })],
  ['stats', ['stat'], expect.objectContaining({ connections: [expect.anything()], secure_connections: [] })],
  ['connection_stat_reset', ['crst'], {}],
  ['stat_reset', ['srst'], {}],
];

async function command(name: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${gateway.adminPort}/commands/${name}`);
  return { status: response.status, body: await response.json() };
}

test.each(COMMANDS)('the command %s', async (name, aliases, answer) => {
  for (const one of [name, ...aliases]) {
    const { status, body } = await command(one);
    expect(status).toBe(200);
    expect(body).toMatchObject({ command: name, error: null });
    const { command: _, error, ...rest } = body as Record<string, unknown>;
    expect(error).toBeNull();
    expect(rest).toEqual(answer);
  }
});

test('commands are listed; one that there is not is an error', async () => {
  const list = await fetch(`http://127.0.0.1:${gateway.adminPort}/commands`);
  expect(await list.text()).toMatch(/<a href="\/commands\/monitor">monitor<\/a>/);
  expect(await command('nonsense')).toEqual({
    status: 200,
    body: { command: 'nonsense', error: 'Unknown command: nonsense' },
  });
  expect((await command('monitor?port=1')).status).toBe(400);
});
