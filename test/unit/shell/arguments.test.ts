import { COMMANDS } from '../../../client/shell/commands/index.ts';
import { parseInput } from '../../../client/shell/input.ts';
import { parseArguments } from '../../../client/shell/options.ts';

function input(name: string, ...args: string[]) {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) throw new Error(`no command ${name}`);
  return parseInput(command, args);
}

describe('options of the shell', () => {
  test('stand before the command', () => {
    const parsed = parseArguments(['--binding', 'dir', '--timeout=50', '--auth', 'digest:u:p', 'get', '-s', '/a']);
    expect(parsed).toMatchObject({ binding: 'dir', timeout: 50, auth: [{ scheme: 'digest', id: 'u:p' }] });
    expect(parsed.words).toEqual(['get', '-s', '/a']);
  });

  test('or after it, until --', () => {
    expect(parseArguments(['get', '/a', '--json', '--binding', 'dir'])).toMatchObject({
      json: true,
      binding: 'dir',
      words: ['get', '/a'],
    });
    expect(parseArguments(['set', '/a', '--', '--json'])).toMatchObject({
      json: false,
      words: ['set', '/a', '--', '--json'],
    });
  });

  test('help of a command belongs to the command', () => {
    expect(parseArguments(['get', '--help'])).toMatchObject({ help: false, words: ['get', '--help'] });
    expect(parseArguments(['-h'])).toMatchObject({ help: true });
  });

  test.each([['--nope'], ['--timeout', 'x'], ['--timeout', '0'], ['--auth', 'digest'], ['--timeout']])(
    '%p %p is refused',
    (...argv) => {
      expect(() => parseArguments(argv)).toThrow(expect.objectContaining({ name: 'UsageError' }));
    },
  );
});

describe('arguments of a command', () => {
  test('options may follow the operands', () => {
    const parsed = input('set', '/a', 'data', '-s', '-v', '3');
    expect(parsed.operands).toEqual(['/a', 'data']);
    expect([parsed.flag('s'), parsed.integer('v')]).toEqual([true, 3]);
  });

  test('a version may be negative', () => {
    expect(input('delete', '-v', '-1', '/a').integer('v')).toBe(-1);
  });

  test('-- ends the options', () => {
    expect(input('set', '/a', '--', '-5').operand(1)).toBe('-5');
  });

  test.each([
    ['get', [], 'get lacks its path'],
    ['get', ['/a', 'b'], 'Too many arguments at "b"'],
    ['get', ['-z', '/a'], "Unknown option '-z'"],
    ['set', ['/a', 'b', '-v'], 'argument missing'],
  ])('%s %p is refused with its usage', (name, args, reason) => {
    expect(() => input(name, ...args)).toThrow(reason);
    expect(() => input(name, ...args)).toThrow(`Usage: ${name} [`);
  });

  test.each(['a', '/a/', '//', '/a/../b', ''])('the path %p is refused', (path) => {
    expect(() => input('get', path).path()).toThrow('Invalid path');
  });
});
