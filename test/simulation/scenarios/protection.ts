/** Schedules of nodes that not everyone may read. */
import { OPEN_ACL_UNSAFE } from '@faaskeeper/protocol';
import { HIDDEN_ACL, make } from '../client.ts';
import { SimProcess } from '../process.ts';
import type { Scenario } from './index.ts';
import { expect, read, Stage } from './stage.ts';

const SECRET = 'secret-data';
const NAME = 'secret-name';

/** All that a client may subscribe to, whoever it is, and all that it may read below the public prefix. */
function eavesdrop(stage: Stage): { heard: () => string; stored: () => string } {
  const { surroundings, scheduler, names } = stage;
  const { nats } = surroundings.connections(new SimProcess(scheduler, 'eavesdropper'));
  const heard: string[] = [];
  nats.subscribe(`${names.change('/')}.>`, (payload, subject) => {
    heard.push(subject, Buffer.from(payload).toString('latin1'));
  });
  nats.subscribe(names.watermark, (payload) => heard.push(Buffer.from(payload).toString('latin1')));
  const stored = () => {
    const below = [...surroundings.objects.objects].filter(([key]) => key.startsWith(surroundings.keys.public));
    return below.map(([, { body }]) => Buffer.from(body).toString('latin1')).join();
  };
  return { heard: () => heard.join(), stored };
}

async function wildcardWithoutRead(seed: number): Promise<void> {
  const stage = new Stage(seed);
  stage.programs.startTrigger();
  const owner = await stage.client('owner');
  const stranger = await stage.client('stranger');
  const { heard, stored } = eavesdrop(stage);
  const watched = await stage.do(stranger, { kind: 'addWatch', path: '/', recursive: true });
  await stage.do(owner, make.create('/open', 'for everyone'));
  await stage.do(owner, make.create('/hidden', SECRET, 'PERSISTENT', { acl: HIDDEN_ACL }));
  for (let round = 0; round < 2; round++) {
    const below = `/hidden/${NAME}`;
    await stage.do(owner, make.create(below, SECRET, 'PERSISTENT', { acl: HIDDEN_ACL }));
    await stage.do(owner, make.setData(below, `${SECRET} ${round}`));
    await stage.do(owner, make.setData('/hidden', `${SECRET} ${round}`));
    expect((await stage.do(stranger, read('getData', '/hidden'))).error === 'NoAuth', 'a stranger may not read it');
    await stage.do(owner, make.delete(below));
    await stage.wait(1_000);
    expect(!heard().includes(NAME) && !heard().includes(SECRET), 'nobody hears a name or data');
    // Stubs have their path in them, but who does not know it does not know their key, and clients cannot list.
    expect(!stored().includes(SECRET), 'no data is stored for everyone');
  }
  expect(heard().includes('.open'), 'what everyone may read is heard');
  expect(
    watched.events.every(({ event }) => event.path !== '/hidden' && !event.path.includes(NAME)),
    'a recursive watch tells nothing of it',
  );
  // Open, it is told like any other; hidden again, its public object goes.
  await stage.do(owner, make.setACL('/hidden', OPEN_ACL_UNSAFE));
  expect((await stage.do(stranger, read('getData', '/hidden'))).error === undefined, 'now a stranger may read it');
  await stage.do(owner, make.setACL('/hidden', HIDDEN_ACL));
  await stage.wait(1_000);
  expect(!stored().includes(SECRET), 'what is hidden again is not left there');
  await stage.end();
}

async function hiddenThenDeleted(seed: number): Promise<void> {
  const stage = new Stage(seed);
  const { weather, keys } = stage.surroundings;
  stage.programs.startTrigger();
  const owner = await stage.client('owner');
  const watcher = await stage.client('watcher', { cache: false });
  await stage.do(owner, make.create('/a', ''));
  await stage.do(watcher, { type: 'sync', path: '/any' });
  const watched = await stage.do(watcher, read('exists', '/a', true));
  const node = keys.node('/a');
  weather.s3.hold = (label, process) => {
    // It looks when the node is gone already, which takes long to become visible.
    if (process === watcher.process && label === `GET ${node}`) return 400;
    return stage.scheduler.now > deleting && label === `PUT ${node}` ? 2_000 : 0;
  };
  let deleting = Number.POSITIVE_INFINITY;
  await stage.do(owner, make.setACL('/a', HIDDEN_ACL));
  await stage.wait(100);
  deleting = stage.scheduler.now;
  await stage.do(owner, make.delete('/a'));
  await stage.until(() => watched.events.length > 0, 'the watch tells');
  // What it may tell, and when, the judge knows.
  await stage.end();
}

export const PROTECTION: readonly Scenario[] = [
  { number: 1, title: 'a change that hides a node is missed, and the node is deleted', play: hiddenThenDeleted },
  { number: 20, title: 'a wildcard subscription without READ', play: wildcardWithoutRead },
];
