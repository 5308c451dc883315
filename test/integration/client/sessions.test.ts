import { FaaSKeeper, SessionExpiredError, type SessionState } from '@faaskeeper/client';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';

describe('a session', () => {
  test('has an id, a password and a timeout within the bounds of the instance', async () => {
    await using faaskeeper = await startFaaSKeeper({
      instance: { sessions: { minTimeout: 5_000, maxTimeout: 20_000 } },
    });
    const [short, long] = await Promise.all([
      faaskeeper.connect({ sessionTimeout: 10 }),
      faaskeeper.connect({ sessionTimeout: 1_000_000 }),
    ]);
    expect(short.sessionId).toBeGreaterThan(0);
    expect(short.sessionId).not.toBe(long.sessionId);
    expect(short.sessionPassword).toHaveLength(16);
    expect(short.sessionTimeout).toBe(5_000);
    expect(long.sessionTimeout).toBe(20_000);
    expect(short.state).toBe('connected');
  });

  test('takes its ephemeral nodes with it when it closes', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const [client, other] = await Promise.all([faaskeeper.connect(), faaskeeper.connect()]);
    await client.create('/e', null, { mode: 'EPHEMERAL' });
    await client.create('/p');
    expect((await client.exists('/e'))?.ephemeralOwner).toBe(client.sessionId);
    await expect(client.create('/e/child')).rejects.toMatchObject({ code: 'NoChildrenForEphemerals' });
    await client.close();
    await other.sync('/');
    expect(await other.exists('/e')).toBeNull();
    expect(await other.exists('/p')).not.toBeNull();
  });

  test('tells its states, to the end', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    const changes: SessionState[] = [];
    client.on('state', (state) => changes.push(state));
    const states: SessionState[] = [];
    const listening = (async () => {
      for await (const state of client.states()) states.push(state);
    })();
    await client.close();
    await listening;
    expect(states).toEqual(['connected', 'closed']);
    expect(changes).toEqual(['closed']);
    await expect(client.getData('/')).rejects.toMatchObject({ code: 'SessionClosing' });
    await client.close();
  });

  test('is attached to by id and password, and moves there', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const first = await faaskeeper.connect();
    await first.create('/e', 'x', { mode: 'EPHEMERAL' });
    const moved = new Promise<SessionState>((resolve) => first.on('state', resolve));
    const second = await faaskeeper.connect({ session: { id: first.sessionId, password: first.sessionPassword } });
    expect(second.sessionId).toBe(first.sessionId);
    expect(await moved).toBe('closed');
    await expect(first.exists('/e')).rejects.toMatchObject({ code: 'SessionMoved' });
    await second.setData('/e', 'y');
    expect((await second.exists('/e'))?.ephemeralOwner).toBe(second.sessionId);
    expect(await second.getEphemerals()).toEqual(['/e']);
  });

  test('that does not exist, or with a wrong password, is refused and not harmed', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    const id = client.sessionId;
    await expect(faaskeeper.connect({ session: { id, password: new Uint8Array(16) } })).rejects.toThrow(
      SessionExpiredError,
    );
    await expect(faaskeeper.connect({ session: { id: 123_456_789, password: new Uint8Array(16) } })).rejects.toThrow(
      SessionExpiredError,
    );
    await client.create('/a');
  });

  test('that is closed cannot be attached to', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    const session = { id: client.sessionId, password: client.sessionPassword };
    await client.close();
    await expect(faaskeeper.connect({ session })).rejects.toThrow(SessionExpiredError);
  });

  test('ends with `await using`', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const other = await faaskeeper.connect();
    {
      await using client = await FaaSKeeper.connect(faaskeeper.clientOptions);
      await client.create('/e', null, { mode: 'EPHEMERAL' });
    }
    await other.sync('/');
    expect(await other.exists('/e')).toBeNull();
  });

  test('calls made before close are answered', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    const created = Array.from({ length: 20 }, (_, i) => client.create(`/${i}`));
    const read = client.getChildren('/');
    await client.close();
    await Promise.all(created);
    expect(await read).toEqual(expect.arrayContaining(['0', '19']));
  });
});
