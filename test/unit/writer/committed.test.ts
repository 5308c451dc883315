import { decodeAs, feedMessageSchema, OPEN_ACL_UNSAFE, subjects } from '@faaskeeper/protocol';
import type { LogEntry } from '../../../functions/core/log-entry.ts';
import { committedMessages } from '../../../functions/core/writer/committed.ts';
import { PRIVATE_ACL, type Step, TreeModel } from '../../support/tree-model.ts';

/** What the last of these entries tells, by subject. */
function told(...entries: Step[][]): Record<string, unknown> {
  const model = new TreeModel();
  let last: LogEntry = model.entry();
  for (const steps of entries) last = model.entry(steps);
  const messages = committedMessages(last, subjects('i'));
  return Object.fromEntries(
    messages.map(({ subject, payload }) => [subject, decodeAs(feedMessageSchema, payload, 'change')]),
  );
}

test('a batch is told whole to those who watch any of its nodes', () => {
  const message = {
    previous: 0,
    zxid: 1,
    changes: [
      { path: '/a', zxid: 1, index: 0, kind: 'created' },
      { path: '/', zxid: 1, index: 1, kind: 'children' },
    ],
  };
  expect(told([{ create: '/a' }])).toEqual({ 'fk.i.out.c': message, 'fk.i.out.c.a': message });
});

test('the deletion of a node that anyone could read is told', () => {
  expect(Object.keys(told([{ create: '/a' }], [{ remove: '/a' }]))).toContain('fk.i.out.c.a');
});

test.each<[string, Step[][]]>([
  ['nothing changed', [[]]],
  ['the node is not for everyone', [[{ create: '/s', acl: PRIVATE_ACL }]]],
  ['a node that is gone was not for everyone', [[{ create: '/s', acl: PRIVATE_ACL }], [{ remove: '/s' }]]],
  [
    'one of several nodes is not for everyone',
    [
      [{ create: '/a' }],
      [
        { set: '/a', data: null },
        { create: '/s', acl: PRIVATE_ACL },
      ],
    ],
  ],
  ['an ACL changes', [[{ create: '/s', acl: PRIVATE_ACL }], [{ acl: '/s', to: OPEN_ACL_UNSAFE }]]],
  ['there are too many', [Array.from({ length: 9 }, (_, at) => ({ create: `/n${at}` }))]],
])('nothing is told where %s', (_, entries) => {
  expect(told(...entries)).toEqual({});
});
