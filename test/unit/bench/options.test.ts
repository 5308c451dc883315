import { systemNames } from '../../bench/client.ts';
import { BenchUsageError, parseBenchOptions, partNames } from '../../bench/options.ts';

test('without flags everything is measured, on both systems', () => {
  const options = parseBenchOptions([]);
  expect(options).toMatchObject({ rounds: 3, children: 100_000, quick: false, report: false, partial: false });
  expect(options).toMatchObject({ systems: ['faaskeeper', 'zookeeper'], outstanding: [1, 64, 256] });
  expect(options !== 'help' && [...options.parts]).toEqual([...partNames]);
  expect(options !== 'help' && options.sizes.at(-1)).toBe(1024 * 1024);
});

test('flags choose parts, sizes and rounds', () => {
  const options = parseBenchOptions(['--only', 'setData,getData', '--sizes', '100,2048', '--rounds', '5']);
  expect(options !== 'help' && [...options.parts]).toEqual(['setData', 'getData']);
  expect(options).toMatchObject({ sizes: [100, 2048], rounds: 5 });
});

test('an explicit flag wins over --quick', () => {
  expect(parseBenchOptions(['--quick', '--children', '50'])).toMatchObject({ rounds: 1, children: 50 });
});

test('a report is of all systems, and where it is asked for in part says so', () => {
  expect(parseBenchOptions(['--report'])).toMatchObject({ report: true, partial: false, systems: [...systemNames] });
  expect(parseBenchOptions(['--report', '--only', 'tree', '--into', 'x'])).toMatchObject({ partial: true, into: 'x' });
});

test('--compare takes one run or two', () => {
  expect(parseBenchOptions(['--compare', 'old.json'])).toMatchObject({ compare: ['old.json'] });
  expect(parseBenchOptions(['--compare', 'old.json', 'new.json'])).toMatchObject({ compare: ['old.json', 'new.json'] });
  expect(() => parseBenchOptions(['new.json'])).toThrow(BenchUsageError);
});

test('--help asks for the text', () => {
  expect(parseBenchOptions(['--help'])).toBe('help');
});

test.each([
  [['--only', 'fly'], /--only knows create/],
  [['--sizes', 'large'], /--sizes takes whole numbers/],
  [['--rounds', '0'], /--rounds takes whole numbers/],
  [['--fast'], /--help/],
])('%j is a usage error', (args, message) => {
  expect(() => parseBenchOptions(args)).toThrow(message);
  expect(() => parseBenchOptions(args)).toThrow(BenchUsageError);
});
