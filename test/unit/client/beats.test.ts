import { Beats } from '../../../client/session/beats.ts';
import { TestClock } from './test-clock.ts';

function setup() {
  const clock = new TestClock();
  const sent: number[] = [];
  let silences = 0;
  const beats = new Beats({ clock, send: (id) => sent.push(id), onSilence: () => silences++ });
  return { clock, sent, beats, silences: () => silences };
}

test('an unanswered session is silent after two thirds of its timeout', () => {
  const { clock, beats, silences } = setup();
  beats.start(9_000, clock.now());
  clock.advance(6_000);
  expect(silences()).toBe(0);
  clock.advance(2);
  expect(silences()).toBe(1);
});

test('what counts is when the answered beat was sent, not when the answer came', () => {
  const { clock, sent, beats, silences } = setup();
  beats.start(9_000, clock.now());
  const first = sent[0] as number;
  clock.advance(5_000);
  beats.answer(first);
  clock.advance(1_002);
  expect(silences()).toBe(1);
});

test('beats go every third of the timeout once they are answered', () => {
  const { clock, sent, beats, silences } = setup();
  beats.start(9_000, clock.now());
  beats.answer(sent.at(-1) as number);
  clock.advance(200);
  sent.length = 0;
  for (let i = 0; i < 10; i++) {
    clock.advance(3_000);
    beats.answer(sent.at(-1) as number);
  }
  expect(sent).toHaveLength(10);
  expect(silences()).toBe(0);
});

test('answers to beats of an earlier attachment count for nothing', () => {
  const { clock, sent, beats } = setup();
  beats.start(9_000, clock.now());
  const old = sent[0] as number;
  clock.advance(1_000);
  beats.start(9_000, clock.now() - 5_000);
  const { deadline } = beats;
  beats.answer(old);
  expect(beats.deadline).toBe(deadline);
});

test('an answer that comes when the time is over, but before anyone noticed, does not revive the session', () => {
  const { clock, sent, beats, silences } = setup();
  beats.start(9_000, clock.now());
  clock.advance(5_990);
  const last = sent.at(-1) as number;
  clock.advance(10);
  beats.answer(last);
  expect(silences()).toBe(1);
  expect(beats.deadline).toBeLessThanOrEqual(clock.now());
});
