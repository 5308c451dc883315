import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS, type ErrorCode, errorFor, FaaSKeeperError, isErrorCode, NoNodeError } from '@faaskeeper/protocol';

const codes = Object.keys(ERRORS).filter(isErrorCode);

test('docs/errors.md has exactly the table of errors', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const expected = codes.map((code) => {
    const { zookeeper, what, todo } = ERRORS[code];
    return `| \`${code}\` | ${zookeeper === 0 ? '–' : zookeeper} | ${what} | ${todo} |`;
  });
  expect(rows).toEqual(expected);
});

test.each(codes)('%s says what it is about and what to do', (code: ErrorCode) => {
  const cause = new Error('why');
  const error = errorFor(code, { path: '/a', session: 7, instance: 'i', cause });
  expect(error).toBeInstanceOf(FaaSKeeperError);
  expect(error).toMatchObject({
    code,
    path: '/a',
    session: 7,
    instance: 'i',
    cause,
    zookeeperCode: ERRORS[code].zookeeper,
  });
  expect(error.message).toContain('/a');
  expect(error.message).toContain(ERRORS[code].todo);
});

test('instanceof works across two copies of the package', () => {
  const foreign = Object.assign(new Error('x'), { code: 'NoNode', [Symbol.for('faaskeeper.error')]: true });
  expect(foreign instanceof NoNodeError).toBe(true);
  expect(errorFor('NodeExists') instanceof NoNodeError).toBe(false);
});
