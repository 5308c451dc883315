import { DEFAULTS } from '../../../client/defaults.ts';
import { ReplyGrace } from '../../../client/reads/reply-grace.ts';
import { TestClock } from './test-clock.ts';

function setup() {
  const clock = new TestClock();
  const grace = new ReplyGrace(clock);
  const told: number[] = [];
  const tell = async (due: number, unanswered: number) => {
    await grace.before(due, unanswered);
    told.push(due);
  };
  /** What was resolved has run. */
  const settled = async () => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    return told;
  };
  return { clock, grace, tell, settled };
}

test('nothing waits where no write is under way, or all that is comes later', () => {
  const { grace } = setup();
  expect(grace.before(5, 0)).toBeUndefined();
  grace.answered(4, 1);
  expect(grace.before(5, 1)).toBeUndefined();
  expect(grace.before(-1, 1)).toBeUndefined();
});

test('events wait for the last reply that may be of an earlier transaction', async () => {
  const { grace, tell, settled } = setup();
  void tell(5, 2);
  expect(await settled()).toEqual([]);
  grace.answered(3, 1);
  expect(await settled()).toEqual([]);
  grace.answered(7, 1);
  expect(await settled()).toEqual([5]);
});

test('events wait no longer when no write is left, whatever became of it', async () => {
  const { grace, tell, settled } = setup();
  void tell(5, 1);
  grace.answered(-1, 0);
  expect(await settled()).toEqual([5]);
});

test('a reply that does not come holds up events once, and for a moment only', async () => {
  const { clock, grace, tell, settled } = setup();
  void tell(5, 1);
  clock.advance(DEFAULTS.replyGrace);
  expect(await settled()).toEqual([5]);
  expect(grace.before(6, 1)).toBeUndefined();
  grace.answered(4, 1);
  expect(grace.before(7, 1)).toBeDefined();
});
