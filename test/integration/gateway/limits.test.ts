/** Limits of an instance: connections are closed at once, requests wait. */
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { WireConnection } from '../../support/zk-wire/index.ts';

const OPEN_ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];

async function open(gateway: TestGateway): Promise<WireConnection | undefined> {
  const connection = await WireConnection.open(gateway);
  return (await connection.handshake({ readOnly: false })) === undefined ? undefined : connection;
}

test.each([
  ['FAASKEEPER_MAX_CONNECTIONS', 'an instance'],
  ['FAASKEEPER_MAX_CLIENT_CONNECTIONS', 'an address'],
])('beyond %s a new connection is closed at once, and there is room when one of %s goes', async (name) => {
  await using gateway = await startTestGateway({ environment: { [name]: '2' } });
  const [first, second] = [await open(gateway), await open(gateway)];
  expect([first, second]).not.toContain(undefined);
  expect(await open(gateway)).toBeUndefined();
  second!.send({ op: 'exists', args: { path: '/', watch: false } });
  expect(await second!.replies()).toMatchObject([{ kind: 'reply' }]);
  first!.destroy();
  let third: WireConnection | undefined;
  while (third === undefined) third = await open(gateway);
  third.destroy();
  second!.destroy();
});

test('at the limit of outstanding requests everyone is still served, in order', async () => {
  await using gateway = await startTestGateway({ environment: { FAASKEEPER_MAX_OUTSTANDING_REQUESTS: '3' } });
  const connections = (await Promise.all([0, 1, 2, 3].map(() => open(gateway)))) as WireConnection[];
  const creates = Array.from({ length: 50 }, (_, i) => i);
  const all = connections.map(async (connection, at) => {
    const requests = creates.map((i) => ({
      op: 'create' as const,
      args: { path: `/c${at}-${i}`, data: null, acl: OPEN_ACL, flags: 0 },
    }));
    connection.send(...requests);
    return (await connection.replies()).map((reply) => (reply as unknown as { body: { path: string } }).body.path);
  });
  for (const [at, paths] of (await Promise.all(all)).entries())
    expect(paths).toEqual(creates.map((i) => `/c${at}-${i}`));
  for (const connection of connections) connection.destroy();
});
