import type { AppendOutcome, Log } from '../../../functions/core/ports.ts';
import { at } from '../../../functions/core/tables.ts';
import { creation, WriterInstance } from './instance.ts';

function logThat(log: Log, append: (payload: Uint8Array, expected: number) => Promise<AppendOutcome>): Log {
  return {
    append,
    read: (from, messages) => log.read(from, messages),
    bounds: () => log.bounds(),
    trim: (sequence) => log.trim(sequence),
  };
}

test('two writers that do not know of each other lose and double nothing', async () => {
  await using instance = await WriterInstance.open();
  const [one, two] = [instance.writer(), instance.writer()];
  const [first, second] = [await instance.session(one), await instance.session(two)];
  await first.do(one, creation('/q'));
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const [session, writer] = index % 2 === 0 ? [first, one] : [second, two];
      await session.do(writer, creation('/q/n-', 'PERSISTENT_SEQUENTIAL'));
    }),
  );
  const paths = [...first.replies, ...second.replies].flatMap(({ result }) => (result as { path: string }).path);
  expect(new Set(paths).size).toBe(41);
  await two.close();
  const { values } = await instance.outside.system.read([at.node('/q')]);
  expect(values[0]).not.toBeNull();
});

test('a batch delivered twice, to the same and to another writer, is answered with its first results', async () => {
  await using instance = await WriterInstance.open();
  const [one, two] = [instance.writer(), instance.writer()];
  const session = await instance.session(one);
  const batch = [session.request([creation('/s-', 'PERSISTENT_SEQUENTIAL'), creation('/x')])];
  const { zxid } = await one.handle({ watermark: 0, requests: batch });
  expect((await one.handle({ watermark: 0, requests: batch })).zxid).toBe(zxid);
  expect((await two.handle({ watermark: 0, requests: batch })).zxid).toBe(zxid);
  await session.until(() => session.replies.length === 6);
  expect(session.replies.slice(2, 4)).toEqual(session.replies.slice(0, 2));
  expect(session.replies.slice(4, 6)).toEqual(session.replies.slice(0, 2));
});

test('an append whose acknowledgement is lost is found in LOG, not made twice', async () => {
  await using instance = await WriterInstance.open();
  const { log } = instance.outside;
  const deaf = instance.writer({
    log: logThat(log, async (payload, expected) => {
      await log.append(payload, expected);
      return { outcome: 'unknown' };
    }),
  });
  const session = await instance.session(deaf);
  const replies = await session.do(deaf, creation('/a'), creation('/a'));
  expect(replies.map(({ error }) => error)).toEqual([undefined, 'NodeExists']);
});

test('schedule 15: a refusal without another entry decides nothing', async () => {
  await using instance = await WriterInstance.open();
  const { log } = instance.outside;
  let refusals = 0;
  const refused = instance.writer({
    log: logThat(log, async (payload, expected) => {
      refusals += 1;
      return refusals % 3 === 0 ? await log.append(payload, expected) : { outcome: 'refused' };
    }),
  });
  const session = await instance.session(refused);
  const [reply] = await session.do(refused, creation('/a'));
  expect(reply?.error).toBeUndefined();
});

test('schedule 7: a store wiped between two reads is noticed, and the batch judged by all of it again', async () => {
  await using instance = await WriterInstance.open();
  const first = instance.writer();
  const session = await instance.session(first);
  await session.do(first, creation('/a'), creation('/b'));
  await first.close();
  const { system } = instance.outside;
  let wiped = false;
  const cold = instance.writer({
    system: new Proxy(system, {
      get(target, name: keyof typeof system) {
        if (name !== 'read') return target[name].bind(target as never);
        return async (...args: Parameters<typeof system.read>) => {
          const found = await target.read(...args);
          if (!wiped && args[0].some(({ key }) => key === '/a')) {
            wiped = true;
            const { state } = await target.read([]);
            await target.rebuild(state?.generation, { applied: 0, zxid: 0 }, (async function* () {})());
          }
          return found;
        };
      },
    }),
  });
  const replies = await session.do(
    cold,
    { type: 'multi', operations: [{ type: 'check', path: '/a', version: 0 }] },
    creation('/b/s-', 'PERSISTENT_SEQUENTIAL'),
  );
  expect(wiped).toBe(true);
  expect(replies.map(({ error }) => error)).toEqual([undefined, undefined]);
});

test('schedule 19: a session with very many ephemerals ends in one transaction, larger than a LOG message', async () => {
  await using instance = await WriterInstance.open();
  const writer = instance.writer();
  const session = await instance.session(writer);
  await session.do(writer, creation('/e'));
  const padding = 'x'.repeat(120);
  for (let batch = 0; batch < 7; batch++) {
    const operations = Array.from({ length: 6_000 }, (_, index) =>
      creation(`/e/${padding}${batch}-${index}`, 'EPHEMERAL'),
    );
    const [reply] = await session.do(writer, { type: 'multi', operations });
    expect(reply?.error).toBeUndefined();
  }
  const before = (await instance.outside.log.bounds()).last;
  const [closed] = await session.do(writer, { type: 'closeSession' });
  expect(closed?.error).toBeUndefined();
  expect((await instance.outside.log.bounds()).last).toBe(before + 1);
  const pages = [];
  for await (const page of instance.outside.objects.list(`${instance.spec.storagePrefix}sys/log/`)) pages.push(...page);
  expect(pages.length).toBeGreaterThan(0);
  await writer.close();
  const cold = instance.writer();
  const other = await instance.session(cold);
  const [empty] = await other.do(cold, { type: 'delete', path: '/e', version: -1 });
  expect(empty?.error).toBeUndefined();
}, 120_000);

test('poison is committed as an error, kept with its reason, and the lane goes on', async () => {
  await using instance = await WriterInstance.open();
  const writer = instance.writer();
  const session = await instance.session(writer);
  const subject = session.request([creation('/never')], 1_000).subject;
  const before = (await instance.outside.log.bounds()).last;
  const answer = await writer.handle({
    watermark: 0,
    requests: [{ subject, payload: new Uint8Array([0xc1, 2, 3]) }, session.request([creation('/good')])],
  });
  expect((await instance.outside.log.bounds()).last).toBe(before + 1);
  await session.until(() => session.replies.length === 1);
  expect(session.replies[0]?.error).toBeUndefined();
  expect(answer.sequence).toBe(before + 1);
});
