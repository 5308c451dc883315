import { encode, encodeWatermarkEntries } from '@faaskeeper/protocol';
import { Published, type Step, Watermark } from '../../../client/watermark.ts';

function setup() {
  const steps: { zxid: number; entries: number | null; at: number }[] = [];
  let gate: Promise<void> | undefined;
  let learned = -1;
  const watermark: Watermark = new Watermark({
    prepare: ({ zxid, entries }: Step) => {
      steps.push({ zxid, entries: entries?.size ?? null, at: watermark.value });
      return gate;
    },
    ahead: (zxid) => learned > zxid,
    fire: () => undefined,
    taken: () => undefined,
    interested: true,
  });
  const receive = (zxid: number, previous: number, ...digests: bigint[]) => {
    const entries = encodeWatermarkEntries(new Map(digests.map((digest) => [digest, zxid])));
    watermark.add(Published.decode(encode({ zxid, previous, entries })) as Published);
  };
  return {
    watermark,
    steps,
    receive,
    hold: (until: Promise<void>) => (gate = until),
    learn: (zxid: number) => (learned = zxid),
  };
}

test('steps that follow on each other are taken at once, repetitions are ignored', () => {
  const { watermark, steps, receive } = setup();
  watermark.attached(10);
  receive(12, 10, 1n);
  receive(12, 10, 1n);
  receive(11, 10);
  receive(15, 12, 1n, 2n);
  expect(watermark.value).toBe(15);
  expect(steps.map(({ zxid, entries }) => [zxid, entries])).toEqual([
    [12, 1],
    [15, 2],
  ]);
});

test('what comes before the session is open is taken after it', () => {
  const { watermark, steps, receive } = setup();
  receive(9, 8);
  receive(12, 10, 1n);
  expect(watermark.value).toBe(-1);
  watermark.attached(10);
  expect(watermark.value).toBe(12);
  expect(steps).toEqual([{ zxid: 12, entries: 1, at: 10 }]);
});

test('a missing predecessor means that anything may have changed', () => {
  const { watermark, steps, receive } = setup();
  watermark.attached(10);
  receive(15, 12, 1n);
  expect(steps).toEqual([{ zxid: 15, entries: null, at: 10 }]);
});

test('steps are prepared one after the other, and not taken before that', async () => {
  const { watermark, steps, receive, hold } = setup();
  watermark.attached(10);
  let release: () => void = () => undefined;
  hold(new Promise((resolve) => (release = resolve)));
  receive(11, 10);
  receive(12, 11);
  expect([watermark.value, steps.length]).toEqual([10, 1]);
  release();
  await new Promise((resolve) => setImmediate(resolve));
  expect([watermark.value, steps.length]).toEqual([12, 2]);
});

test('what was read again and is newer than the step is told before anything later is seen: by the next step', () => {
  const { watermark, receive, learn } = setup();
  watermark.attached(10);
  learn(13);
  receive(12, 10, 1n);
  expect(watermark.value).toBe(10);
  receive(14, 12, 2n);
  expect(watermark.value).toBe(14);
});

test('a node that is always newer does not hold the watermark for ever', () => {
  const { watermark, receive, learn } = setup();
  watermark.attached(10);
  learn(1_000);
  for (let zxid = 12; zxid <= 30; zxid += 2) receive(zxid, zxid - 2, 1n);
  expect(watermark.value).toBeGreaterThan(20);
});
