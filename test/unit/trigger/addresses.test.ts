import { Addresses } from '../../../functions/trigger/addresses.ts';

const ROUTE = 'http://fk-writer.faaskeeper-system.svc.cluster.local';
const FIRST = 'http://fk-writer-00001-private.faaskeeper-system.svc.cluster.local';
const SECOND = 'http://fk-writer-00002-private.faaskeeper-system.svc.cluster.local';

let now: number;
let addresses: Addresses;

beforeEach(() => {
  now = 0;
  addresses = new Addresses(() => now);
});

/** One event after the other, `everyMs`, each answered; where they went. */
function send(times: number, everyMs: number, revision = 'fk-writer-00001'): string[] {
  return Array.from({ length: times }, () => {
    const used = addresses.of(ROUTE);
    addresses.answered(ROUTE, used, revision);
    now += everyMs;
    return used;
  });
}

test('a function that has been answering for a while is addressed by its revision', () => {
  expect(send(5, 1_000)).toEqual([ROUTE, ROUTE, ROUTE, FIRST, FIRST]);
});

test('one that may have been scaled down since is woken by its route, and given time to settle', () => {
  send(5, 1_000);
  now += 4_000;
  expect(send(5, 1_000)).toEqual([ROUTE, ROUTE, ROUTE, FIRST, FIRST]);
});

test('one that is rarely asked is asked by its route', () => {
  expect(send(5, 6_000)).toEqual(Array(5).fill(ROUTE));
});

test('a newer revision is heard of within 10 s, also under load', () => {
  send(100, 100);
  expect(addresses.of(ROUTE)).toBe(FIRST);
  const used = send(120, 100, 'fk-writer-00002');
  const route = used.indexOf(ROUTE);
  expect(used.slice(0, route)).toEqual(Array(route).fill(FIRST));
  expect(route).toBeLessThan(100);
  expect(used.slice(route, route + 30)).toEqual(Array(30).fill(ROUTE));
  expect(used[route + 30]).toBe(SECOND);
});

/** Answers by the route, one a second, until an event would go to the revision; ms until then. */
function untilDirect(): number {
  const since = now;
  while (addresses.of(ROUTE) === ROUTE) send(1, 1_000);
  return now - since;
}

test('where the revision cannot be reached, the route is used for longer and longer', () => {
  send(4, 1_000);
  const waits = Array.from({ length: 9 }, () => {
    addresses.failed(ROUTE, FIRST);
    return untilDirect() / 1_000;
  });
  expect(waits).toEqual([10, 20, 40, 80, 160, 320, 600, 600, 600]);
});

test('an answer of the revision makes the failures before it forgotten', () => {
  send(4, 1_000);
  for (let failures = 0; failures < 3; failures++) {
    addresses.failed(ROUTE, FIRST);
    untilDirect();
  }
  send(1, 0);
  addresses.failed(ROUTE, FIRST);
  expect(untilDirect()).toBe(10_000);
});

test('a route that fails changes nothing', () => {
  send(4, 1_000);
  addresses.failed(ROUTE, ROUTE);
  expect(addresses.of(ROUTE)).toBe(FIRST);
});

test.each([
  ['no revision is named, as outside of Knative', ROUTE, undefined],
  ['the name is none of a Revision', ROUTE, 'x.example.com/'],
  ['with the suffix it would be no name of a Service', ROUTE, `r${'x'.repeat(56)}`],
  ['the route is encrypted', ROUTE.replace('http:', 'https:'), 'fk-writer-00001'],
  ['the route is no Service', 'http://localhost:8080', 'fk-writer-00001'],
])('the route is used where %s', (_why, route, revision) => {
  addresses.answered(route, route, revision);
  expect(addresses.of(route)).toBe(route);
});
