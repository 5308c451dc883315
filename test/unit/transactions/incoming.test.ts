import { encode, mailboxOf, sessionToken, subjects } from '@faaskeeper/protocol';
import { decodeIncoming } from '../../../functions/core/transactions/index.ts';

const { systemRequest, request } = subjects('test');
const secret = new Uint8Array(16);
const requests = (session: number) =>
  encode({ type: 'requests', session, generation: 1, password: secret, first: 1, lowest: 1, operations: [{}] });
const opening = { type: 'createSession', nonce: secret, key: new Uint8Array(32), timeout: 4_000, mailbox: secret };

test('a bundle is its messages in order; one that is damaged spoils no other', () => {
  const messages = [requests(1), new Uint8Array([0xc1]), requests(2), encode({ type: 'system' })];
  const incoming = decodeIncoming(systemRequest, encode({ type: 'bundle', messages }), systemRequest);
  expect(incoming.map((one) => (one.type === 'requests' ? one.session : one.type))).toEqual([1, 'poison', 2, 'poison']);
});

test('what is in a bundle is no more trusted than any client', () => {
  const bundle = encode({
    type: 'bundle',
    messages: [encode({ ...opening, identities: [{ scheme: 'super', id: '' }] })],
  });
  const [incoming] = decodeIncoming(systemRequest, bundle, systemRequest);
  expect(incoming).toMatchObject({ type: 'createSession' });
  expect(incoming).not.toHaveProperty('identities');
  expect(incoming).not.toHaveProperty('mailbox');
});

test('only a gateway bundles, and only a gateway has a mailbox', () => {
  const bundle = encode({ type: 'bundle', messages: [requests(1)] });
  expect(decodeIncoming(request(1), bundle, systemRequest)).toMatchObject([{ type: 'poison' }]);
  expect(decodeIncoming(request('new'), encode(opening), systemRequest)[0]).not.toHaveProperty('mailbox');
  expect(decodeIncoming(systemRequest, encode(opening), systemRequest)[0]).toHaveProperty('mailbox');
});

test('an attachment of a mailbox has its subject below that of the mailbox', () => {
  const own = sessionToken(new Uint8Array(16).fill(1));
  expect(sessionToken(new Uint8Array(16).fill(1), secret)).toBe(`${sessionToken(secret)}.${own}`);
  expect([mailboxOf(`${sessionToken(secret)}.${own}`), mailboxOf(own)]).toEqual([sessionToken(secret), undefined]);
});
