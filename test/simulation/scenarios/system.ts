/** Schedules of writers, distributors, stores and triggers. */
import { make } from '../client.ts';
import type { Scenario } from './index.ts';
import { expect, read, Stage } from './stage.ts';

async function sessionInOneBatch(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const first = await stage.client('first');
  await stage.do(first, make.create('/q', ''));
  const { log } = stage.surroundings;
  // The writer dies after each of the next appends, before its answer.
  let deaths = 0;
  log.appended = () => {
    if (deaths++ >= 3) return;
    for (const writer of stage.programs.replicas('writer')) writer.crash();
  };
  const second = await stage.client('second');
  const created = await stage.do(second, make.create('/q/n-', '', 'PERSISTENT_SEQUENTIAL'));
  expect(created.error === undefined, 'the create is done');
  await stage.do(second, { type: 'closeSession' });
  const children = await stage.do(first, read('getChildren', '/q'));
  expect(deaths >= 3 && children.found?.children?.length === 1, 'once');
  await stage.end();
}

async function wipeBetweenReads(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const { store, weather } = stage.surroundings;
  stage.programs.startTrigger();
  const client = await stage.client('client');
  await stage.do(client, make.create('/a', ''));
  await stage.do(client, make.create('/b', ''));
  for (let at = 1; at <= 6; at++) {
    // A cold writer; the store is gone before its read number `at`.
    for (const writer of stage.programs.replicas('writer')) writer.crash();
    let reads = 0;
    weather.redis.hold = (label, process) => {
      if (process.name.startsWith('writer') && label === 'read store' && ++reads === at) store.wipe();
      return 0;
    };
    const operations = [make.check('/a'), make.check('/b'), make.setData('/a', `${at}`)];
    const done = await stage.do(client, { type: 'multi', operations });
    expect(done.error === undefined, `nothing looks absent, wiped before read ${at}`);
  }
  for (const writer of stage.programs.replicas('writer')) writer.crash();
  await stage.do(client, make.setData('/a', 'known'));
  // Now the writer knows the session, and asks for /b alone.
  let wiped = false;
  weather.redis.hold = (label, process) => {
    if (!wiped && process.name.startsWith('writer') && label === 'read store') {
      wiped = true;
      store.wipe();
    }
    return 0;
  };
  const found = await stage.do(client, make.setData('/b', 'found'));
  expect(wiped && found.error === undefined, 'what a warm writer did not know does not look absent');
  delete weather.redis.hold;
  await stage.end();
}

async function overlappingDistributors(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const client = await stage.client('client');
  await stage.do(client, make.create('/a', ''));
  for (let round = 0; round < 4; round++) {
    const created = client.do({ kind: 'write', operation: make.create(`/a/n${round}`, '') });
    await stage.until(() => created.returned !== undefined, 'it is committed');
    // It stands still with the batch in its hands, longer than its caller waits.
    for (const distributor of stage.programs.replicas('distributor')) distributor.pause(9_000);
    stage.programs.start('distributor');
    client.do({ kind: 'write', operation: make.setData('/a', `${round}`) });
    await stage.wait(12_000);
  }
  await stage.end();
}

async function sweeperStalls(seed: number): Promise<void> {
  for (const conditionalDelete of [true, false]) {
    const stage = new Stage(seed, { checkpointMessages: 3 });
    const { objects, keys, weather } = stage.surroundings;
    objects.conditionalDelete = conditionalDelete;
    stage.programs.startTrigger();
    const client = await stage.client('client', { timeout: 20_000 });
    await stage.do(client, make.create('/b', ''));
    let isGone = false;
    let isSwept = false;
    weather.s3.hold = (label) => {
      // Nobody else looks there: /a was never protected.
      if (isGone && label === `GET ${keys.protectedNode('/a')}`) isSwept = true;
      if (!isSwept || !label.startsWith('DELETE')) return 0;
      // The deletion of the tombstone is given up, and on its way still when the node is made again.
      isSwept = isGone = false;
      client.do({ kind: 'write', operation: make.create('/a', '') });
      return 10_000;
    };
    for (let round = 0; round < 3; round++) {
      await stage.do(client, make.create('/a', ''));
      await stage.wait(500);
      await stage.do(client, make.delete('/a'));
      isGone = true;
      for (let i = 0; i < 200 && isGone; i++) {
        await stage.do(client, make.setData('/b', `${i}`));
        await stage.wait(700);
      }
      expect(!isGone, 'the tombstone is to be deleted');
      await stage.wait(12_000);
      expect(objects.objects.has(keys.node('/a')), 'the node that was made again is there');
      await stage.do(client, make.delete('/a'));
    }
    await stage.end();
  }
}

async function resurrection(seed: number): Promise<void> {
  const stage = new Stage(seed, { checkpointMessages: 3 });
  const { log, nats, objects, keys } = stage.surroundings;
  stage.programs.startTrigger();
  const client = await stage.client('client');
  await stage.do(client, make.create('/a', 'past'));
  await stage.wait(500);
  await stage.do(client, make.delete('/a'));
  await stage.wait(500);
  expect(objects.objects.has(keys.node('/a')), 'there is a tombstone');
  for (let i = 0; i < 200 && objects.objects.has(keys.node('/a')); i++) {
    await stage.do(client, make.create('/b', `${i}`));
    await stage.do(client, make.delete('/b'));
    await stage.wait(500);
  }
  expect(!objects.objects.has(keys.node('/a')), 'the tombstone is gone');
  for (const distributor of stage.programs.replicas('distributor')) distributor.crash();
  expect(log.first > 1, 'LOG is trimmed');
  nats.log.losePosition();
  await stage.wait(5_000);
  expect(!objects.objects.has(keys.node('/a')), 'nothing of the past is visible');
  await stage.end();
}

async function trimAgainstWatermark(seed: number): Promise<void> {
  const stage = new Stage(seed, { checkpointMessages: 4 });
  const { weather, keys, log } = stage.surroundings;
  stage.programs.startTrigger();
  const client = await stage.client('client');
  await stage.do(client, make.create('/a', ''));
  await stage.wait(2_000);
  weather.s3.refuse = (label) => label === `PUT ${keys.watermark}`;
  const before = log.last;
  for (let i = 0; i < 30; i++) await stage.do(client, make.setData('/a', `${i}`));
  await stage.wait(2_000);
  expect(log.first <= before + 1, 'nothing after the stored watermark is trimmed');
  for (const distributor of stage.programs.replicas('distributor')) distributor.crash();
  delete weather.s3.refuse;
  await stage.end();
}

async function flushAll(seed: number): Promise<void> {
  const stage = new Stage(seed, { checkpointMessages: 5 });
  stage.programs.startTrigger();
  const client = await stage.client('client');
  await stage.do(client, make.create('/q', ''));
  for (let i = 0; i < 20; i++) {
    if (i % 3 === 0) stage.surroundings.store.wipe();
    const created = await stage.do(client, make.create('/q/n-', '', 'PERSISTENT_SEQUENTIAL'));
    const expected = `/q/n-${String(i).padStart(10, '0')}`;
    expect((created.result as { path: string }).path === expected, `no number is given twice, none is left out: ${i}`);
    await stage.wait(300);
  }
  await stage.end();
}

async function triggerRestarts(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const trigger = stage.programs.startTrigger();
  const client = await stage.client('client');
  await stage.do(client, make.create('/e', '', 'EPHEMERAL'));
  trigger.crash();
  client.process.crash();
  await stage.wait(10_000);
  stage.programs.startTrigger();
  const other = await stage.client('other');
  // One more timeout, and then it goes.
  await stage.wait(12_000);
  const seen = await stage.do(other, read('exists', '/e'));
  expect(seen.found?.stat === null, 'the ephemeral node of the dead client is gone');
  await stage.end();
}

async function restartedQueue(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const { nats, weather } = stage.surroundings;
  stage.programs.startTrigger();
  const client = await stage.client('client', { timeout: 20_000 });
  await stage.do(client, make.create('/q', ''));
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 5; i++)
      client.do({ kind: 'write', operation: make.create('/q/n-', '', 'PERSISTENT_SEQUENTIAL') });
    await stage.wait(0.3);
    nats.requests.clear();
    await stage.wait(3_000);
  }
  // Redis is out for minutes: nothing is given up.
  weather.redis.down = true;
  for (const writer of stage.programs.replicas('writer')) writer.crash();
  const waiting = client.do({ kind: 'write', operation: make.create('/q/late', '') });
  await stage.wait(180_000);
  expect(waiting.returned === undefined || waiting.error === 'SessionExpired', 'nobody is told anything wrong');
  weather.redis.down = false;
  await stage.until(() => waiting.returned !== undefined, 'it is answered in the end');
  await stage.end();
}

async function triggerDiesWithBatch(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const { log, objects, keys } = stage.surroundings;
  const trigger = stage.programs.startTrigger();
  const client = await stage.client('client', { timeout: 40_000 });
  await stage.do(client, make.create('/a', ''));
  await stage.wait(300);
  for (const distributor of stage.programs.replicas('distributor')) distributor.pause(60_000);
  await stage.do(client, make.create('/b', ''));
  await stage.wait(100);
  // Both die with what is not done yet, and nothing more is appended.
  for (const distributor of stage.programs.replicas('distributor')) distributor.crash();
  trigger.crash();
  const { last } = log;
  stage.programs.startTrigger();
  await stage.until(() => objects.objects.has(keys.node('/b')), 'what is in LOG becomes visible', 20_000);
  expect(log.last === last, 'without anything that follows it');
  await stage.end();
}

async function deposedLeader(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const { log } = stage.surroundings;
  stage.programs.startTrigger();
  const client = await stage.client('client');
  await stage.do(client, make.create('/a', ''));
  for (let i = 0; i < 10; i++) {
    log.deposed = Math.max(0, log.last - (i % 3));
    if (i % 4 === 3) for (const writer of stage.programs.replicas('writer')) writer.crash();
    const set = await stage.do(client, make.setData('/a', `${i}`));
    expect(set.error === undefined, 'a refusal without another entry decides nothing');
  }
  log.deposed = undefined;
  expect(stage.programs.halts.length === 0, 'no false alarm');
  await stage.end();
}

async function differentAges(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const { log } = stage.surroundings;
  stage.programs.startTrigger();
  const client = await stage.client('client', { timeout: 40_000 });
  await stage.do(client, make.create('/a', ''));
  for (let i = 0; i < 10; i++) await stage.do(client, make.setData('/a', `${i}`));
  await stage.wait(1_000);
  // LOG comes back from an older snapshot than the rest.
  log.all.splice(-4);
  for (const process of stage.programs.processes) if (!stage.programs.triggers.includes(process)) process.crash();
  const set = client.do({ kind: 'write', operation: make.setData('/a', 'lost?') });
  await stage.until(() => stage.programs.halts.length > 0, 'it is said plainly');
  await stage.wait(20_000);
  expect(set.returned === undefined || set.error !== undefined, 'no write is taken');
}

async function recordsRolledBack(seed: number): Promise<void> {
  const stage = new Stage(seed, { userStorage: { type: 'Hybrid' } });
  const { store } = stage.surroundings;
  stage.programs.startTrigger();
  const client = await stage.client('client', { timeout: 20_000, cache: false });
  await stage.do(client, make.create('/a', '0'));
  await stage.wait(500);
  for (let i = 1; i <= 5; i++) {
    const before = store.snapshot();
    await stage.do(client, make.setData('/a', `${i}`));
    await stage.wait(500);
    if (i % 2 === 1) store.restore(before);
    else store.wipe();
    // What follows is not put on top of what was lost.
    client.do({ kind: 'write', operation: make.create(`/b${i}`, '') });
    const seen = await stage.do(client, read('getData', '/a'));
    expect(seen.found?.data === `${i}`, 'nobody reads what was before');
  }
  await stage.end();
}

async function manyEphemerals(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const client = await stage.client('client', { timeout: 10_000 });
  const calls = Array.from({ length: 300 }, (_, i) =>
    client.do({ kind: 'write', operation: make.create(`/e${i}`, '', 'EPHEMERAL') }),
  );
  await stage.until(() => calls.every(({ returned }) => returned !== undefined), 'all are created');
  client.process.crash();
  await stage.end();
}

async function recreatedBeforeSweep(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const client = await stage.client('client', { timeout: 20_000 });
  let armed = true;
  stage.surroundings.nats.loses = (way, process, subject, payload) => {
    // The sweep has decided; before its request arrives, the node is another one.
    if (way !== 'up' || !process.name.startsWith('heartbeat') || subject !== stage.names.systemRequest || !armed)
      return false;
    armed = false;
    stage.scheduler.after(200, 'late sweep', () => stage.surroundings.nats.publish(subject, payload));
    client.do({ kind: 'write', operation: make.delete('/c') });
    client.do({ kind: 'write', operation: make.create('/c', 'new', 'CONTAINER') });
    return true;
  };
  await stage.do(client, make.create('/c', 'old', 'CONTAINER'));
  await stage.do(client, make.create('/c/x', ''));
  await stage.do(client, make.delete('/c/x'));
  await stage.until(() => !armed, 'the container is to be swept');
  await stage.wait(1_000);
  const seen = await stage.do(client, read('getData', '/c'));
  expect(seen.found?.data === 'new', 'the new one stays');
  await stage.end();
}

async function modifiedBeforeSweep(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const client = await stage.client('client', { timeout: 20_000 });
  let armed = true;
  stage.surroundings.nats.loses = (way, process, subject, payload) => {
    // The sweep has decided; before its request arrives, the node is modified.
    if (way !== 'up' || !process.name.startsWith('heartbeat') || subject !== stage.names.systemRequest || !armed)
      return false;
    armed = false;
    stage.scheduler.after(200, 'late sweep', () => stage.surroundings.nats.publish(subject, payload));
    client.do({ kind: 'write', operation: make.setData('/t', 'new') });
    return true;
  };
  await stage.do(client, make.create('/t', 'old', 'PERSISTENT_WITH_TTL', { ttl: 5_000 }));
  await stage.wait(4_000);
  expect((await stage.do(client, read('exists', '/t'))).found?.stat !== null, 'it lives for its time');
  await stage.until(() => !armed, 'it is to be swept');
  await stage.wait(1_000);
  expect((await stage.do(client, read('getData', '/t'))).found?.data === 'new', 'what was modified has its time again');
  await stage.wait(10_000);
  expect((await stage.do(client, read('exists', '/t'))).found?.stat === null, 'then it goes');
  await stage.end();
}

async function sweepMeetsWipe(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const { store } = stage.surroundings;
  stage.programs.startTrigger();
  const client = await stage.client('client', { timeout: 20_000 });
  // A trigger that has just started looks for itself.
  await stage.wait(10_000);
  await stage.do(client, make.create('/t', '', 'PERSISTENT_WITH_TTL', { ttl: 3_000 }));
  await stage.wait(500);
  store.wipe();
  // Sweeps look into an empty store.
  await stage.wait(10_000);
  await stage.do(client, make.create('/a', ''));
  await stage.wait(6_000);
  expect((await stage.do(client, read('exists', '/t'))).found?.stat === null, 'it is swept all the same');
  await stage.end();
}

export const SYSTEM: readonly Scenario[] = [
  { number: 6, title: 'the writer dies between append and answer', play: sessionInOneBatch },
  { number: 7, title: 'Redis is wiped between two reads', play: wipeBetweenReads },
  { number: 8, title: 'overlapping distributors', play: overlappingDistributors },
  { number: 9, title: 'a sweeper stalls, the node is made again', play: sweeperStalls },
  { number: 10, title: 'resurrection by redelivery', play: resurrection },
  { number: 11, title: 'a trim against the watermark', play: trimAgainstWatermark },
  { number: 12, title: 'FLUSHALL with counters in use', play: flushAll },
  { number: 13, title: 'the trigger restarts, a client died meanwhile', play: triggerRestarts },
  { number: 14, title: 'REQ is lost, Redis is out for minutes', play: restartedQueue },
  { number: 14, title: 'the trigger dies with a batch of LOG in its hands', play: triggerDiesWithBatch },
  { number: 15, title: 'a deposed leader', play: deposedLeader },
  { number: 16, title: 'restored snapshots of different ages', play: differentAges },
  { number: 16, title: 'Redis is rolled back, with the nodes that clients read there', play: recordsRolledBack },
  { number: 19, title: 'many ephemerals in one session', play: manyEphemerals },
  { number: 22, title: 'delete and re-create before a sweep', play: recreatedBeforeSweep },
  { number: 22, title: 'a TTL node is modified before its sweep', play: modifiedBeforeSweep },
  { number: 22, title: 'a sweep meets a wiped store', play: sweepMeetsWipe },
];
