/** Schedules of what a client sees: feed, watermark, beats, replies. */
import { make } from '../client.ts';
import type { Scenario } from './index.ts';
import { expect, read, Stage } from './stage.ts';

/** One client has made /a, another watches its data. */
async function watchedNode(seed: number) {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const writer = await stage.client('writer');
  const watcher = await stage.client('watcher');
  await stage.do(writer, make.create('/a', 'old'));
  await stage.do(watcher, { type: 'sync', path: '/any' });
  const watched = await stage.do(watcher, read('getData', '/a', true));
  return { stage, writer, watcher, watched };
}

async function lostChange(seed: number): Promise<void> {
  const { stage, writer, watcher, watched } = await watchedNode(seed);
  stage.surroundings.nats.loses = (way, process, subject) =>
    way === 'down' && process === watcher.process && subject === stage.names.change('/a');
  await stage.do(writer, make.setData('/a', 'new'));
  await stage.until(() => watched.events.length === 1, 'the watch tells what was lost');
  const seen = await stage.do(watcher, read('getData', '/a'));
  expect(seen.found?.data === 'new', 'the cached node was dropped');
  await stage.end();
}

async function heardChange(seed: number): Promise<void> {
  const { stage, writer, watcher, watched } = await watchedNode(seed);
  const { weather, keys } = stage.surroundings;
  let reads = 0;
  weather.s3.hold = (label, process) => {
    if (process === watcher.process && label === `GET ${keys.node('/a')}`) reads++;
    return 0;
  };
  await stage.do(writer, make.setData('/a', 'new'));
  await stage.until(() => watched.events.length === 1, 'the watch tells');
  await stage.wait(500);
  expect(reads === 0, 'a change that is heard costs no read');
  await stage.end();
}

async function lostChangeAndNext(seed: number): Promise<void> {
  const { stage, writer, watcher, watched } = await watchedNode(seed);
  const { nats, weather, keys } = stage.surroundings;
  const lost = new Set([stage.names.change('/a')]);
  nats.loses = (way, process, subject) => way === 'down' && process === watcher.process && lost.has(subject);
  // When the watcher reads again what it missed, the node has changed once more.
  weather.s3.hold = (label, process) => (process === watcher.process && label === `GET ${keys.node('/a')}` ? 400 : 0);
  await stage.do(writer, make.setData('/a', 'missed'));
  const own = watcher.do({ kind: 'write', operation: make.create('/b', 'own') });
  await stage.wait(200);
  // Of that it hears nothing either, until a beat names the watermark.
  lost.add(stage.names.watermark);
  await stage.do(writer, make.setData('/a', 'next'));
  await stage.until(() => own.returned !== undefined, 'the own write is answered');
  expect(watched.events.length === 1, 'the watch has told before');
  await stage.end();
}

async function lostChangeBeforeHeardOne(seed: number): Promise<void> {
  const { stage, writer, watcher, watched } = await watchedNode(seed);
  const { nats, weather, keys } = stage.surroundings;
  await stage.do(writer, make.create('/b', 'old'));
  await stage.do(watcher, { type: 'sync', path: '/any' });
  await stage.do(watcher, read('getData', '/b', true));
  const lost = new Set([stage.names.change('/b')]);
  nats.loses = (way, process, subject) => way === 'down' && process === watcher.process && lost.has(subject);
  // While the watcher reads again what it missed of /b, its watermark stands still.
  weather.s3.hold = (label, process) => (process === watcher.process && label === `GET ${keys.node('/b')}` ? 600 : 0);
  await stage.do(writer, make.setData('/b', 'missed'));
  await stage.wait(100);
  lost.add(stage.names.change('/a'));
  await stage.do(writer, make.setData('/a', 'missed'));
  await stage.wait(100);
  lost.clear();
  await stage.do(writer, make.create('/a/child', ''));
  await stage.until(() => watched.events.length === 1, 'the watch tells what was lost');
  await stage.end();
}

async function cachedBeforeOutage(seed: number): Promise<void> {
  const { stage, writer, watcher } = await watchedNode(seed);
  await stage.do(writer, make.create('/b', 'old'));
  await stage.do(watcher, { type: 'sync', path: '/any' });
  for (let reads = 0; reads < 2; reads++) await stage.do(watcher, read('getData', '/b'));
  stage.surroundings.connections(watcher.process).nats.break(500);
  await stage.do(writer, make.setData('/b', 'new'));
  await stage.do(writer, make.setData('/a', 'new'));
  expect(watcher.record.state === 'suspended', 'the watcher knows that it may miss something');
  const seen = await stage.do(watcher, read('getData', '/b'));
  expect(seen.found?.data === 'new', 'the cached node is not served');
  await stage.end();
}

async function cachedChange(seed: number): Promise<void> {
  const { stage, writer, watcher } = await watchedNode(seed);
  await stage.do(writer, make.create('/b', 'old'));
  await stage.do(watcher, { type: 'sync', path: '/any' });
  const { weather, keys } = stage.surroundings;
  let gets = 0;
  weather.s3.hold = (label, process) => {
    if (process === watcher.process && label === `GET ${keys.node('/b')}`) gets++;
    return 0;
  };
  for (let reads = 0; reads < 5; reads++) await stage.do(watcher, read('getData', '/b'));
  expect(gets > 0 && gets < 5, 'it is cached');
  for (let round = 0; round < 5; round++) {
    await stage.do(writer, make.setData('/b', `${round}`));
    await stage.do(watcher, { type: 'sync', path: '/any' });
    const seen = await stage.do(watcher, read('getData', '/b'));
    expect(seen.found?.data === `${round}`, 'the cached node is dropped before W moves past its change');
    await stage.do(watcher, read('getData', '/b'));
  }
  await stage.end();
}

async function turns(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const { nats } = stage.surroundings;
  stage.programs.startTrigger();
  const first = await stage.client('first', { timeout: 20_000 });
  await stage.do(first, make.create('/q', ''));
  // It does not hear that another client has its session now, and goes on under numbers that the other one uses.
  let deaf = true;
  nats.loses = (way, process) => deaf && way === 'down' && process === first.process;
  const guessed = first.do({ kind: 'write', operation: make.create('/q/first-', '', 'PERSISTENT_SEQUENTIAL') });
  await stage.wait(200);
  const second = await stage.client('second', { attach: first, timeout: 20_000 });
  for (let i = 0; i < 3; i++) await stage.do(second, make.create('/q/second-', '', 'PERSISTENT_SEQUENTIAL'));
  // An attempt of the first whose answer is lost comes before the one that is answered.
  stage.surroundings.connections(first.process).nats.break(100);
  await stage.wait(9_000);
  deaf = false;
  await stage.until(() => guessed.returned !== undefined, 'the first is told that nobody knows');
  expect(guessed.error === 'ConnectionLoss', 'its request is not taken for one of the second');
  const own = await stage.do(first, make.create('/q/own', ''));
  expect(own.error === undefined, 'it goes on where the second has ended');
  await stage.until(() => second.over, 'the second hears that the session has moved');
  await stage.end();
}

async function quietHour(seed: number): Promise<void> {
  const { stage, writer, watcher, watched } = await watchedNode(seed);
  stage.surroundings.nats.loses = (way, process, subject) =>
    way === 'down' && process === watcher.process && subject === stage.names.watermark;
  await stage.do(writer, make.setData('/a', 'new'));
  // With a watch armed, its own write waits for the watermark.
  await stage.do(watcher, make.create('/b', 'own'));
  expect(watched.events.length === 1, 'the watch has told before');
  await stage.end();
}

async function oneWayBeats(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const holder = await stage.client('holder');
  const other = await stage.client('other');
  await stage.do(holder, make.create('/lock', 'holder', 'EPHEMERAL'));
  await stage.do(holder, read('getData', '/lock'));
  await stage.do(holder, read('getData', '/lock'));
  stage.surroundings.nats.loses = (way, process) => way === 'up' && process === holder.process;
  let taken = false;
  while (!taken) {
    holder.do(read('getData', '/lock'));
    taken = (await stage.do(other, make.create('/lock', 'other', 'EPHEMERAL'))).error === undefined;
    // What is served after the expiry, the judge finds.
    holder.do(read('getData', '/lock'));
    await stage.wait(50);
  }
  expect(holder.record.state === 'suspended', 'the holder has suspended itself');
  stage.surroundings.nats.loses = () => false;
  await stage.until(() => holder.record.state === 'expired', 'the holder hears that its session has expired');
  await stage.end();
}

async function slowOpening(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const { log, nats } = stage.surroundings;
  stage.programs.startTrigger();
  await stage.client('first');
  let asleep = false;
  let heard = 0;
  // It stands still while its session is opened, and hears of nothing else.
  log.appended = () => {
    if (heard > 0 || asleep) return;
    asleep = true;
    stage.clients.at(-1)?.process.pause(6_000);
    stage.scheduler.after(6_000, 'awake', () => {
      asleep = false;
    });
  };
  nats.loses = (way, process) => asleep && way === 'down' && process.name === 'sleeper' && ++heard > 1;
  const sleeper = await stage.client('sleeper', { timeout: 1_000 });
  const seen = await stage.do(sleeper, read('exists', '/'));
  expect(seen.error === undefined, 'it has a session that lives');
  expect(heard > 1, 'the session has expired meanwhile');
  await stage.end();
}

async function lostReplies(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const client = await stage.client('client');
  await stage.do(client, make.create('/q', ''));
  let losing = true;
  stage.surroundings.nats.loses = (way, process, subject) =>
    losing && way === 'down' && process === client.process && subject.includes('.out.s.');
  const calls = Array.from({ length: 10 }, (_, i) =>
    client.do({ kind: 'write', operation: make.create('/q/n-', `${i}`, 'PERSISTENT_SEQUENTIAL') }),
  );
  await stage.wait(500);
  losing = false;
  await stage.until(() => calls.every(({ returned }) => returned !== undefined), 'all ten are answered');
  const paths = calls.map(({ result }) => (result as { path: string }).path);
  expect(new Set(paths).size === 10, 'ten results');
  const children = await stage.do(client, read('getChildren', '/q'));
  expect(children.found?.children?.length === 10, 'and ten nodes');
  await stage.end();
}

async function oldRequest(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const first = await stage.client('first', { timeout: 20_000 });
  await stage.do(first, make.create('/b', ''));
  const { nats } = stage.surroundings;
  const held: Uint8Array[] = [];
  const subject = stage.names.request(first.record.id);
  nats.loses = (way, process, to, payload) => {
    const isHeld = way === 'up' && process === first.process && to === subject;
    if (isHeld) held.push(payload);
    return isHeld;
  };
  first.do({ kind: 'write', operation: make.create('/a', 'of the first') });
  await stage.until(() => held.length > 0, 'the request is on its way');
  first.process.crash();
  const second = await stage.client('second', { attach: first });
  for (const payload of held) nats.publish(subject, payload);
  expect((await stage.do(second, make.delete('/b'))).error === undefined, 'the second request of that number is done');
  const old = await stage.do(second, read('exists', '/a'));
  expect(old.found?.stat === null, 'the first one is refused');
  await stage.end();
}

async function oldAttachment(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const { nats } = stage.surroundings;
  const first = await stage.client('first', { timeout: 20_000 });
  await stage.do(first, make.create('/a', ''));
  const subject = stage.names.request(first.record.id);
  const sent: Uint8Array[] = [];
  nats.loses = (way, process, to, payload) => {
    if (way === 'up' && process.name === 'second' && to === subject) sent.push(payload);
    return false;
  };
  const second = await stage.client('second', { attach: first, timeout: 20_000 });
  const third = await stage.client('third', { attach: second, timeout: 20_000 });
  expect(sent.length > 0, 'the second has attached');
  // REQ delivers it again, as often as it likes.
  for (const payload of [...sent, ...sent]) nats.publish(subject, payload);
  await stage.wait(2_000);
  expect((await stage.do(third, make.setData('/a', 'third'))).error === undefined, 'the third has the session still');
  expect(!third.over, 'and is not told otherwise');
  await stage.end();
}

async function pipelinedSetAndGet(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const client = await stage.client('client');
  await stage.do(client, make.create('/a', '0'));
  for (let i = 1; i <= 20; i++) {
    client.do({ kind: 'write', operation: make.setData('/a', `${i}`) });
    const got = await stage.do(client, read('getData', '/a'));
    expect(got.found?.data === `${i}`, `the get returns what the set before it wrote: ${i}`);
  }
  await stage.end();
}

async function multiOverChunks(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const writer = await stage.client('writer');
  const reader = await stage.client('reader-of-chunks', { cache: false });
  await stage.do(writer, make.create('/p', ''));
  const names = Array.from({ length: 24 }, (_, i) => `n${String(i).padStart(2, '0')}`);
  for (const name of names) await stage.do(writer, make.create(`/p/${name}`, ''));
  await stage.do(reader, { type: 'sync', path: '/any' });
  for (let round = 0; round < 15; round++) {
    const pair = [`/p/a${round}`, `/p/z${round}`];
    writer.do({ kind: 'write', operation: { type: 'multi', operations: pair.map((path) => make.create(path, '')) } });
    for (let reads = 0; reads < 4; reads++) {
      const { found } = await stage.do(reader, read('getChildren', '/p'));
      expect(found?.children !== undefined && found.children.length % 2 === 0, 'both children or none');
    }
  }
  await stage.end();
}

async function busySubtree(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const writer = await stage.client('writer');
  const watcher = await stage.client('watcher');
  await stage.do(writer, make.create('/a', ''));
  await stage.do(watcher, { type: 'sync', path: '/any' });
  await stage.do(watcher, { kind: 'addWatch', path: '/a', recursive: true });
  await stage.do(watcher, { kind: 'addWatch', path: '/a', recursive: false });
  let busy = true;
  const write = () => {
    if (!busy) return;
    if (writer.outstanding < 10) writer.do({ kind: 'write', operation: make.setData('/a', `${stage.scheduler.now}`) });
    stage.scheduler.after(1, 'write', write);
  };
  write();
  for (let i = 0; i < 20; i++) await stage.do(watcher, read('getData', '/a'));
  busy = false;
  await stage.end();
}

/** The writer tells what the distributor has yet to make visible. */
async function toldBeforeVisible(seed: number): Promise<void> {
  const { stage, writer, watcher, watched } = await watchedNode(seed);
  const { weather, keys } = stage.surroundings;
  const hold = 2_000;
  weather.s3.hold = (label) => (label === `PUT ${keys.node('/a')}` ? hold : 0);
  const begun = stage.scheduler.now;
  await stage.do(writer, { type: 'multi', operations: [make.setData('/a', 'new'), make.create('/b', '')] });
  await stage.until(() => watched.events.length === 1, 'the watch tells');
  expect(stage.scheduler.now - begun < hold, 'it tells at once');
  const seen = await stage.do(watcher, read('getData', '/a', true));
  expect(seen.found?.data === 'new', 'what is read is not older than what was told');
  expect(stage.scheduler.now - begun >= hold, 'it was not visible before');
  await stage.do(writer, make.setData('/a', 'next'));
  await stage.until(() => seen.events.length === 1, 'the next watch tells');
  expect(watched.events.length === 1, 'nothing is told twice');
  await stage.end();
}

export const CLIENTS: readonly Scenario[] = [
  { number: 1, title: 'a change is lost, W arrives', play: lostChange },
  { number: 1, title: 'a change is heard: nothing is read', play: heardChange },
  { number: 1, title: 'a change is lost, W arrives, and the node changes again', play: lostChangeAndNext },
  { number: 1, title: 'a change is lost, a later one is heard, W arrives', play: lostChangeBeforeHeardOne },
  { number: 1, title: 'changes are missed in an outage, the cache does not know', play: cachedBeforeOutage },
  { number: 1, title: 'a cached node changes that nobody watches', play: cachedChange },
  { number: 2, title: 'the last W before a pause is lost', play: quietHour },
  { number: 3, title: 'beats are lost one way', play: oneWayBeats },
  { number: 3, title: 'a session expires before its client hears that it was opened', play: slowOpening },
  { number: 4, title: 'ten pipelined requests, all replies lost', play: lostReplies },
  { number: 5, title: 're-attach with an old request under way', play: oldRequest },
  { number: 5, title: 'two living clients of a session attach in turns', play: turns },
  { number: 5, title: 'an old attachment comes again', play: oldAttachment },
  { number: 17, title: 'pipelined set and get', play: pipelinedSetAndGet },
  { number: 18, title: 'a multi over two chunks of children', play: multiOverChunks },
  { number: 21, title: 'the watcher of a busy subtree', play: busySubtree },
  { number: 23, title: 'a change is told before it is visible', play: toldBeforeVisible },
];
