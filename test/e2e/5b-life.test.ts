/** Proof 5: suspended and resumed, backed up, deleted and restored. */
import { agentOf } from './support/agent.ts';
import { type Bound, boundInstance, idOf, secretOf } from './support/bound.ts';
import { declare, get, patch, remove, untilCondition, untilReady } from './support/instances.ts';
import { figure, milliseconds } from './support/run.ts';
import { until } from './support/until.ts';

let bound: Bound;
let backupName: string;
let before: Record<string, unknown>;

beforeAll(async () => {
  bound = await boundInstance('life');
  await bound.agent.ask('open', { session: 'a', timeoutMs: 40_000 });
});

afterAll(async () => bound?.[Symbol.asyncDispose]());

test('a suspended instance serves nobody, and a resumed one has everything it had', async () => {
  const { agent, name } = bound;
  await agent.call('a', 'create', '/kept', 'before');
  await patch(name, { suspend: true });
  const suspended = await untilCondition(name, 'Suspended', 'True');
  expect(suspended.status?.mode).toBe('Suspended');
  const write = agent.call('a', 'setData', '/kept', 'during');
  const settled = await Promise.race([
    write.then(
      () => 'answered',
      (error: Error) => error.message,
    ),
    new Promise((resolve) => setTimeout(resolve, 5_000, 'waits')),
  ]);
  expect(settled).not.toBe('answered');
  const begun = performance.now();
  await patch(name, { suspend: false });
  await untilReady(name);
  figure(5, 'Ready after a suspension ends', milliseconds(performance.now() - begun));
  await write.catch(() => undefined);
  await agent.ask('open', { session: 'b' });
  expect(['before', 'during']).toContain((await agent.call<{ data: string }>('b', 'getData', '/kept')).data);
});

test('a backup is made on schedule', async () => {
  const { agent, name } = bound;
  for (let at = 0; at < 200; at++) await agent.call('b', 'create', `/node-${at}`, `data ${at}`);
  await agent.call('b', 'create', '/node-7/below', 'x'.repeat(100_000));
  await agent.call('b', 'setData', '/node-8', 'changed');
  await agent.call('b', 'create', '/gone-with-the-session', null, { mode: 'EPHEMERAL' });
  ({ nodes: before } = await agent.ask('tree', { session: 'b', path: '/' }));
  const since = Date.now();
  await patch(name, { backup: { schedule: '* * * * *', retention: { count: 2 } } });
  const { status } = await until(
    async () => {
      const resource = await get(name);
      const last = resource.status?.backup?.last;
      if (last === undefined || Date.parse(last.time) < since)
        throw new Error(`no backup: ${JSON.stringify(resource.status)}`);
      return resource;
    },
    { timeoutMs: 180_000, everyMs: 2_000 },
  );
  expect(status?.conditions?.find(({ type }) => type === 'BackupReady')).toMatchObject({ status: 'True' });
  backupName = status?.backup?.last?.name ?? '';
  expect(backupName).not.toBe('');
  await patch(name, { backup: null });
});

test('a deleted instance is restored from its backup: the same tree', async () => {
  const { name } = bound;
  const instanceId = idOf(await get(name));
  await remove(name);
  const restored = { ...name, name: 'again' };
  const begun = performance.now();
  await declare(restored, { deletionPolicy: 'Delete', restoreFrom: { instanceId, backup: backupName } });
  const resource = await untilReady(restored);
  figure(5, 'an instance restored from a backup is Ready', milliseconds(performance.now() - begun));
  await using agent = await agentOf({ ...restored, secretName: secretOf(resource) }, 'restored');
  await agent.ask('open', { session: 'a' });
  const { nodes } = await agent.ask('tree', { session: 'a', path: '/' });
  expect(Object.keys(nodes).sort()).toEqual(Object.keys(before).sort());
  expect(nodes).toEqual(before);
  figure(5, 'nodes compared after the restore, all equal', String(Object.keys(nodes).length));
  expect(await agent.call('a', 'create', '/after', 'new life')).toBe('/after');
});
