import { stagesOf } from '../../bench/scenarios/stages.ts';
import type { CollectedSpan } from '../../support/otlp.ts';

let count = 0;
const span = (name: string, parent: string | undefined, begin: number, end: number, spanId = `s${++count}`) =>
  ({ service: '', name, traceId: 't', spanId, parentSpanId: parent, begin, end, links: [] }) satisfies CollectedSpan;

const call = { spanId: 'call', begin: 0, end: 100 };
const spans: CollectedSpan[] = [
  span('request batch', 'call', 10, 90, 'batch'),
  span('queue', 'batch', 10, 15),
  span('http', 'batch', 20, 85, 'http'),
  span('writer', 'http', 30, 80, 'writer'),
  span('validate', 'writer', 31, 35),
  span('append', 'writer', 36, 60, 'append'),
  span('reply', 'writer', 61, 62),
  span('apply', 'writer', 100, 105),
  span('log batch', 'append', 55, 160, 'log'),
  span('queue', 'log', 55, 58),
  span('http', 'log', 70, 150, 'loghttp'),
  span('distributor', 'loghttp', 75, 149, 'distributor'),
  span('objects', 'distributor', 80, 130),
  span('publish', 'distributor', 130, 140),
];

test('the stages of a write add up to what its caller waited for', () => {
  const stages = stagesOf(call, spans);
  expect(stages).toMatchObject({ send: 10, queue: 5, http: 15, validate: 4, append: 24, reply: 1, answer: 38 });
  expect(stages).toMatchObject({ acknowledged: 100, objects: 50, publish: 10, visible: 140 });
});

test('a distribution that the write shared with others counts by its link', () => {
  const shared = spans.map((one) =>
    one.name === 'log batch' ? { ...one, parentSpanId: 'x', links: ['append'] } : one,
  );
  expect(stagesOf(call, shared)).toMatchObject({ objects: 50, publish: 10 });
});

test('while a span is missing nothing is told', () => {
  expect(stagesOf(call, spans.slice(0, -1))).toBeUndefined();
});
