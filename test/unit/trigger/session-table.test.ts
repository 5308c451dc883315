import { SessionTable } from '../../../functions/core/trigger/index.ts';
import { ticket } from './fakes.ts';

const ids = (tickets: readonly { id: number }[]) => tickets.map(({ id }) => id).sort((a, b) => a - b);
/** Looks at the table every 500 ms, as the trigger does. */
function watchUntil(table: SessionTable, from: number, to: number): Map<number, number> {
  const suspectedAt = new Map<number, number>();
  for (let now = from; now <= to; now += 500) for (const { id } of table.due(now, 100)) suspectedAt.set(id, now);
  return suspectedAt;
}

test('a silent session is suspected once, after its timeout', () => {
  const table = new SessionTable();
  table.put(ticket(1, { timeout: 4_000 }), 0);
  table.put(ticket(2, { timeout: 10_000 }), 0);
  expect(table.due(3_999, 10)).toEqual([]);
  expect(ids(table.due(4_000, 10))).toEqual([1]);
  expect(table.due(9_000, 10)).toEqual([]);
  expect(ids(table.due(10_000, 10))).toEqual([2]);
});

test('a beat puts the suspicion off by a whole timeout', () => {
  const table = new SessionTable();
  table.put(ticket(1), 0);
  for (let now = 1_000; now <= 20_000; now += 1_000) {
    table.refresh(1, now);
    expect(table.due(now, 10)).toEqual([]);
  }
  expect(watchUntil(table, 20_500, 30_000)).toEqual(new Map([[1, 24_000]]));
});

test('a suspect that answers is suspected again only after another timeout', () => {
  const table = new SessionTable();
  table.put(ticket(1), 0);
  expect(ids(table.due(4_000, 10))).toEqual([1]);
  table.refresh(1, 4_500);
  expect(watchUntil(table, 4_500, 20_000)).toEqual(new Map([[1, 8_500]]));
});

test('a suspicion that led to nothing is raised again, unless a beat came meanwhile', () => {
  const table = new SessionTable();
  table.put(ticket(1), 0);
  table.put(ticket(2), 0);
  expect(ids(table.due(4_000, 10))).toEqual([1, 2]);
  table.refresh(2, 4_100);
  table.suspectAgain(1, 7_000);
  table.suspectAgain(2, 7_000);
  expect(watchUntil(table, 4_500, 7_500)).toEqual(new Map([[1, 7_000]]));
});

test('time in which nobody could be heard does not count', () => {
  const table = new SessionTable();
  for (let id = 1; id <= 3; id++) table.put(ticket(id), 0);
  table.grace(3_900);
  expect(watchUntil(table, 4_000, 20_000)).toEqual(new Map([1, 2, 3].map((id) => [id, 8_000])));
});

test('an ended session is never suspected; an attachment counts as being heard', () => {
  const table = new SessionTable();
  table.put(ticket(1), 0);
  table.put(ticket(2), 0);
  table.remove(1);
  table.put(ticket(2, { generation: 2, timeout: 5_000 }), 3_000);
  expect(watchUntil(table, 3_500, 20_000)).toEqual(new Map([[2, 8_000]]));
  expect(table.get(2)?.generation).toBe(2);
});

test('late news of an older attachment changes nothing', () => {
  const table = new SessionTable();
  table.put(ticket(1, { generation: 3 }), 0);
  table.put(ticket(1, { generation: 2 }), 1_000);
  expect(table.get(1)?.generation).toBe(3);
  expect(watchUntil(table, 1_000, 20_000)).toEqual(new Map([[1, 4_000]]));
});

test('no more suspects at once than asked for; the others follow', () => {
  const table = new SessionTable();
  for (let id = 1; id <= 10; id++) table.put(ticket(id), 0);
  const first = ids(table.due(5_000, 4));
  const rest = ids(table.due(5_000, 100));
  expect(first).toHaveLength(4);
  expect([...first, ...rest].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('100,000 sessions that beat are not suspected, those that stop are', () => {
  const table = new SessionTable();
  for (let id = 1; id <= 100_000; id++) table.put(ticket(id, { timeout: 10_000 }), 0);
  for (let now = 500; now < 40_000; now += 500) {
    for (let id = 1 + ((now / 500) % 10); id <= 99_990; id += 10) table.refresh(id, now);
    const due = ids(table.due(now, 100));
    expect(due).toEqual(
      now === 10_000 ? [99_991, 99_992, 99_993, 99_994, 99_995, 99_996, 99_997, 99_998, 99_999, 100_000] : [],
    );
  }
});
