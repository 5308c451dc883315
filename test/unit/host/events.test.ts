import { HTTP } from 'cloudevents';
import { EVENT_TYPES } from '../../../functions/core/invocations.ts';
import { eventHeaders, parseEvent } from '../../../functions/host/events.ts';
import type { ProblemError } from '../../../functions/host/problems.ts';

const types = new Set<string>(Object.values(EVENT_TYPES));
const body = Buffer.from([0x81, 0xff, 0x00, 0x7f]);
const attributes = { id: 'e1', type: EVENT_TYPES.requests, source: '/faaskeeper/trigger', subject: 'i1' };
const structured = {
  specversion: '1.0',
  ...attributes,
  datacontenttype: 'application/msgpack',
  data_base64: body.toString('base64'),
};

function refusal(headers: Record<string, string>, data: Uint8Array = body): string {
  try {
    parseEvent(headers, data, types);
  } catch (error) {
    expect((error as ProblemError).type).toBe('bad-event');
    return (error as Error).message;
  }
  throw new Error('It was taken');
}

test('what we send in binary mode, we read', () => {
  const event = parseEvent(eventHeaders(attributes), body, types);
  expect(event).toEqual({
    id: 'e1',
    type: EVENT_TYPES.requests,
    source: '/faaskeeper/trigger',
    instance: 'i1',
    data: body,
  });
  expect(event.data).toBe(body);
});

test('structured mode gives the same bytes', () => {
  const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
  const event = parseEvent(headers, Buffer.from(JSON.stringify(structured)), types);
  expect(event.instance).toBe('i1');
  expect([...event.data]).toEqual([...body]);
});

test('extension attributes become headers', () => {
  const headers = eventHeaders({ ...attributes, extensions: { zxid: 7, registration: 'r1' } }, 'application/json');
  expect(headers).toMatchObject({ 'ce-zxid': '7', 'ce-registration': 'r1', 'content-type': 'application/json' });
  expect(HTTP.toEvent({ headers, body: '{}' })).toMatchObject({ registration: 'r1', subject: 'i1' });
});

test('the attributes that the SDK does not insist on are checked', () => {
  const headers = eventHeaders(attributes);
  const without = (name: string) => Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
  expect(refusal(without('ce-source'))).toMatch(/source/);
  expect(refusal(without('ce-subject'))).toMatch(/subject/);
  expect(refusal({ ...headers, 'ce-specversion': '0.9' })).toMatch(/specversion/);
  expect(refusal({ ...headers, 'ce-type': 'io.other' })).toMatch(/io\.other/);
  expect(refusal({ ...headers, 'content-type': 'application/json' })).toMatch(/application\/json/);
  expect(refusal({})).toMatch(/CloudEvent/);
});

test('structured and batched events that we cannot use are refused', () => {
  const as = (type: string) => ({ 'content-type': `application/${type}` });
  expect(refusal(as('cloudevents+json'), Buffer.from('{"specversion'))).toMatch(/CloudEvent/);
  expect(refusal(as('cloudevents+json'), Buffer.from(JSON.stringify({ ...structured, id: undefined })))).toMatch(/id/);
  const json = { ...structured, data_base64: undefined, data: { a: 1 } };
  expect(refusal(as('cloudevents+json'), Buffer.from(JSON.stringify(json)))).toMatch(/data_base64/);
  expect(refusal(as('cloudevents-batch+json'), Buffer.from(JSON.stringify([structured])))).toMatch(/batch/i);
});
