import { BenchUsageError, parseBenchOptions, partNames } from '../../bench/options.ts';

test('without flags everything is measured, on both systems', () => {
  const options = parseBenchOptions([]);
  expect(options).toMatchObject({ rounds: 3, children: 100_000, quick: false, write: false });
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
