import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAULTS, REPAIRS } from '../../../functions/core/faults.ts';
import { PROBLEMS } from '../../../functions/host/problems.ts';

const root = join(import.meta.dirname, '../../..');
const page = (name: string) => readFileSync(join(root, 'docs', name), 'utf8');
const docs = page('operations.md');
const source = globSync('{client,functions,operator}/**/*.ts', { cwd: root })
  .filter((file) => !file.includes('/dist/') && !file.includes('node_modules'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');

/** All that a pattern finds, once each. */
const found = (text: string, pattern: RegExp) => [
  ...new Set([...text.matchAll(pattern)].map(([, name]) => name as string)),
];

test('every metric of functions, trigger and operator is explained, and no other', () => {
  const made = found(source, /'(faaskeeper_(?!gateway_|history)[a-z_]+)'/g);
  const told = found(docs, /`(faaskeeper_(?!gateway_)[a-z_]+)[`{]/g);
  expect(told.sort()).toEqual(made.sort());
});

test('so is every metric of the gateway', () => {
  const made = found(source, /'(faaskeeper_gateway_[a-z_]+)'/g);
  const told = found(page('gateway.md'), /`(faaskeeper_gateway_[a-z_]+)`/g);
  expect(told.sort()).toEqual(made.sort());
});

test('every fault, repair and problem is explained', () => {
  const lacking = [...FAULTS, ...REPAIRS, ...Object.keys(PROBLEMS)].filter(
    (name) => !docs.includes(`"${name}"`) && !docs.includes(`\`${name}\``),
  );
  expect(lacking).toEqual([]);
});

test('every log line that is explained is one that is written', () => {
  const table = docs.slice(docs.indexOf('## Log lines'), docs.indexOf('## Problems'));
  const lines = found(table, /^\| `([^`]+)` \|/gm);
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.filter((line) => !source.includes(`'${line}'`))).toEqual([]);
});
