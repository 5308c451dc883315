import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { WireConnection } from '../../support/zk-wire/index.ts';

const OPEN_ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ storage: 'hybrid' });
}, 60_000);
afterAll(() => gateway?.stop());

test('clients of ZooKeeper read nodes of an instance with Hybrid user storage', async () => {
  const [one, other] = await Promise.all([WireConnection.open(gateway), WireConnection.open(gateway)]);
  for (const client of [one, other]) await client.handshake({ timeoutMs: 30_000, readOnly: false });
  for (const [path, bytes] of [
    ['/small', 10],
    ['/large', 10_000],
  ] as const) {
    const data = Buffer.alloc(bytes, 7);
    one.send({ op: 'create', args: { path, data, acl: OPEN_ACL, flags: 0 } });
    expect(await one.replies()).toMatchObject([{ err: 0 }]);
    other.send({ op: 'sync', args: { path } }, { op: 'getData', args: { path, watch: false } });
    expect(await other.replies()).toMatchObject([{ err: 0 }, { err: 0, body: { data } }]);
  }
  for (const client of [one, other]) client.destroy();
}, 60_000);
