import type { SessionOpened } from '@faaskeeper/protocol';
import { creation, Tree } from './tree.ts';

test('schedule 4: ten requests sent again return their ten first results', () => {
  const session = new Tree().open();
  session.create('/q');
  const operations = Array.from({ length: 10 }, () => ({ ...creation('/q/n-'), mode: 'PERSISTENT_SEQUENTIAL' }));
  const message = session.message(operations, session.next, 1);
  const first = session.tree.batch([message]).replies.map(({ reply }) => reply);
  const zxid = session.tree.zxid;
  const again = session.tree.batch([message, message]).replies.map(({ reply }) => reply);
  expect(again).toEqual([...first, ...first]);
  expect(session.tree.zxid).toBe(zxid);
});

test('schedule 5: a request or expiry of an older attachment is refused', () => {
  const tree = new Tree();
  const session = tree.open();
  const old = session.message([creation('/a')]);
  const { password } = tree.record(session.id);
  const attach = {
    type: 'attach',
    session: session.id,
    password,
    nonce: new Uint8Array(16).fill(99),
    key: new Uint8Array(32),
    timeout: 9_000,
  } as const;
  const { notices } = tree.batch([
    attach,
    old,
    { type: 'system', operation: { type: 'expire', session: session.id, generation: 1 } },
  ]);
  expect(notices.map(({ message }) => message)).toMatchObject([
    { type: 'refused', error: 'SessionMoved', generation: 1 },
    { type: 'opened', generation: 2, next: 1 },
  ]);
  expect(tree.value('node', '/a')).toBeNull();
  session.next = 1;
  expect(session.create('/b').error).toBeUndefined();
});

test('attachments that come again after a newer one change nothing', () => {
  const tree = new Tree();
  const { id } = tree.open();
  const { password } = tree.record(id);
  const attach = (fill: number) => ({
    type: 'attach' as const,
    session: id,
    password,
    nonce: new Uint8Array(16).fill(fill),
    key: new Uint8Array(32),
    timeout: 10_000,
  });
  expect(tree.batch([attach(97), attach(98)]).notices.at(-1)).toMatchObject({
    message: { type: 'opened', generation: 3 },
  });
  expect(tree.batch([attach(97), attach(98)])).toMatchObject({
    transactions: [{ effects: [] }],
    notices: [
      { message: { type: 'refused', error: 'SessionMoved', generation: 3 } },
      { message: { type: 'opened', generation: 3 } },
    ],
  });
});

test('an attachment says since which generation its client alone has the session', () => {
  const tree = new Tree();
  const { id } = tree.open();
  const { password, nonce: opening } = tree.record(id);
  const first = new Uint8Array(Buffer.from(opening, 'hex'));
  let count = 0;
  const heldSince = (holder?: Uint8Array) => {
    const nonce = new Uint8Array(16).fill(100 + ++count);
    const attach = { type: 'attach' as const, session: id, password, nonce, key: new Uint8Array(32), timeout: 10_000 };
    const { notices } = tree.batch([{ ...attach, ...(holder && { holder }) }]);
    const opened = notices.map(({ message }) => message).findLast(({ type }) => type === 'opened');
    return (opened as SessionOpened | undefined)?.heldSince;
  };
  // Generation 1 is that of createSession; each attachment is one more.
  expect([heldSince(first), heldSince(first)]).toEqual([1, 1]);
  expect([heldSince(), heldSince(new Uint8Array(16).fill(103))]).toEqual([4, 4]);
  expect(heldSince(first)).toBe(6);
});

test('an attach sent again changes nothing; a wrong password neither', () => {
  const tree = new Tree();
  const session = tree.open();
  const { password } = tree.record(session.id);
  const attach = {
    type: 'attach',
    session: session.id,
    password,
    nonce: new Uint8Array(16).fill(99),
    key: new Uint8Array(32),
    timeout: 9_000,
  } as const;
  tree.batch([attach]);
  expect(tree.batch([attach]).notices).toMatchObject([{ message: { type: 'opened', generation: 2 } }]);
  const wrong = { ...attach, nonce: new Uint8Array(16).fill(98), password: new Uint8Array(16) };
  expect(tree.batch([wrong]).notices).toMatchObject([{ message: { type: 'refused', error: 'SessionExpired' } }]);
  expect(tree.record(session.id).generation).toBe(2);
});

test('schedule 6: a session of one batch, delivered twice, creates nothing twice', () => {
  const tree = new Tree();
  const session = tree.open();
  const close = session.message([{ ...creation('/s-'), mode: 'PERSISTENT_SEQUENTIAL' }, { type: 'closeSession' }]);
  const batch = [session.opening, close];
  const first = tree.batch(batch).replies.map(({ reply }) => reply);
  const zxid = tree.zxid;
  const again = tree.batch(batch);
  expect(again.replies.map(({ reply }) => reply)).toEqual(first);
  expect(tree.zxid).toBe(zxid);
  expect(again.notices).toMatchObject([{ message: { type: 'refused', error: 'SessionExpired' } }]);
});

test('requests out of order wait for their predecessor within a batch; a gap is answered "send from k"', () => {
  const session = new Tree().open();
  const [one, two, three] = [creation('/a'), creation('/b'), creation('/c')].map((operation) =>
    session.message([operation]),
  );
  if (one === undefined || two === undefined || three === undefined) throw new Error('three messages');
  const { replies, notices } = session.tree.batch([three, one]);
  expect(replies.map(({ reply }) => reply.number)).toEqual([1]);
  expect(notices).toMatchObject([{ message: { type: 'gap', from: 2 } }]);
  expect(session.tree.batch([three, two]).replies.map(({ reply }) => reply.number)).toEqual([2, 3]);
});

test('a request of an unknown session is dropped, and an append proves that the state was the newest', () => {
  const session = new Tree().open();
  const message = session.message([creation('/a')]);
  const unknown = { ...message, session: 4_711 };
  const { zxid } = session.tree;
  const proof = { session: 0, number: 0, effects: [], zxid };
  expect(session.tree.batch([unknown])).toMatchObject({ replies: [], notices: [], transactions: [proof] });
});

test('a request with a wrong password is dropped', () => {
  const session = new Tree().open();
  const forged = { ...session.message([creation('/a')]), password: new Uint8Array(16) };
  expect(session.tree.batch([forged])).toMatchObject({ replies: [], notices: [], transactions: [] });
});

test('ending a session removes its ephemerals in one transaction, those of the same batch too', () => {
  const tree = new Tree();
  const [session, other] = [tree.open(), tree.open()];
  session.create('/e1', { mode: 'EPHEMERAL' });
  other.create('/kept', { mode: 'EPHEMERAL' });
  tree.batch([session.message([{ ...creation('/e2'), mode: 'EPHEMERAL' }, { type: 'closeSession' }])]);
  expect(['/e1', '/e2', '/kept'].map((path) => tree.value('node', path) === null)).toEqual([true, true, false]);
  expect(tree.value('node', '/')).toMatchObject({ numChildren: 2, pzxid: tree.zxid });
  expect(tree.value('ephemeral', String(session.id))?.size).toBe(0);
});

test('an expiry ends exactly the attachment it names, and what it ended is forgotten on request', () => {
  const tree = new Tree();
  const session = tree.open();
  session.create('/e', { mode: 'EPHEMERAL' });
  expect(tree.system({ type: 'forget', session: session.id }).transactions).toMatchObject([{ effects: [] }]);
  const { sessions, notices } = tree.system({ type: 'expire', session: session.id, generation: 1 });
  expect(sessions).toMatchObject([{ id: session.id, timeout: 0 }]);
  expect(notices).toMatchObject([{ message: { type: 'refused', error: 'SessionExpired' } }]);
  expect(tree.value('node', '/e')).toBeNull();
  tree.system({ type: 'forget', session: session.id });
  expect([...tree.tables.keys()].filter((key) => key.includes(`\u0000${session.id}`))).toEqual([]);
});

test('confirmed results are dropped, unconfirmed ones kept', () => {
  const session = new Tree().open();
  for (const path of ['/a', '/b', '/c']) session.create(path);
  expect([1, 2, 3].map((n) => session.tree.value('result', `${session.id}:${n}`) !== null)).toEqual([
    false,
    false,
    true,
  ]);
});

test('schedule 22: a container or TTL node that was re-created since the decision stays', () => {
  const tree = new Tree();
  const session = tree.open();
  session.create('/c', { mode: 'CONTAINER' });
  const { czxid } = tree.value('node', '/c') ?? { czxid: 0 };
  session.do({ type: 'delete', path: '/c', version: -1 });
  session.create('/c');
  tree.system({ type: 'deleteContainer', path: '/c', czxid, cversion: 0 });
  expect(tree.value('node', '/c')).not.toBeNull();
  session.create('/t', { mode: 'PERSISTENT_WITH_TTL', ttl: 5 });
  const ttl = tree.value('node', '/t');
  tree.system({ type: 'deleteTtl', path: '/t', czxid: ttl?.czxid ?? 0, mzxid: ttl?.mzxid ?? 0, cversion: 0 });
  expect(tree.value('node', '/t')).toBeNull();
});

test('what a draft says of the state after a batch is what the tables hold', () => {
  const session = new Tree().open();
  session.create('/p');
  const { draft } = session.tree.batch([
    session.message([
      creation('/p/a'),
      { type: 'delete', path: '/p/a', version: -1 },
      { ...creation('/p/b'), mode: 'EPHEMERAL' },
      { type: 'setData', path: '/p', data: null, version: 0 },
      { type: 'addAuth', scheme: 'digest', auth: new TextEncoder().encode('a:b') },
      { type: 'register', path: '/p', kind: 'data', sink: 'http://127.0.0.1/x' },
    ]),
  ]);
  draft.eachChange((table, key, value) => {
    expect([table, key, JSON.stringify(session.tree.value(table, key))]).toEqual([table, key, JSON.stringify(value)]);
  });
});
