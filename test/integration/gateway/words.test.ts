/** Four-letter words, and the admin's side of them. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';

let gateway: TestGateway;
let strict: TestGateway;
beforeAll(async () => {
  [gateway, strict] = await Promise.all([
    startTestGateway(),
    startTestGateway({ environment: { FAASKEEPER_FOUR_LETTER_WORDS: 'srvr,isro' } }),
  ]);
});
afterAll(() => Promise.all([gateway?.stop(), strict?.stop()]));

async function say(word: string, { host, port }: TestGateway = gateway): Promise<string> {
  const socket = connect({ host, port });
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  // As ZooKeeper's own client does: it half-closes at once.
  socket.end(word);
  await once(socket, 'close');
  return text;
}

test.each([
  ['ruok', /^imok$/],
  ['isro', /^rw$/],
  ['srvr', /^Zookeeper version: 3\.9\.5.*\nLatency min\/avg\/max: [\d./]+\nReceived: \d+\n[\s\S]*Mode: standalone\n/],
  ['stat', /\nClients:\n \/127\.0\.0\.1:\d+\[0\]\(queued=0,recved=0,sent=0\)\n/],
  ['mntr', /^zk_version\t3\.9\.5[\s\S]*zk_num_alive_connections\t\d+\n/],
  ['conf', /^clientPort=\d+\n/],
  ['envi', /^Environment:\nzookeeper\.version=3\.9\.5/],
  ['wchs', /^0 connections watching 0 paths\nTotal watches:0\n$/],
  ['crst', /^Connection stats reset\.\n$/],
  ['srst', /^Server stats reset\.\n$/],
])('%s', async (word, answer) => {
  expect(await say(word)).toMatch(answer);
});

test('a word that is not in the whitelist is not executed', async () => {
  expect(await say('stat', strict)).toBe('stat is not executed because it is not in the whitelist.\n');
  expect(await say('isro', strict)).toBe('rw');
});
