import { COMMANDS } from '../../../client/shell/commands/index.ts';
import { complete } from '../../../client/shell/completion.ts';

const TREE: Record<string, string[]> = {
  '/': ['app', 'apple', 'with space'],
  '/app': ['one', 'two'],
  '/app/one': [],
};

async function candidates(line: string): Promise<string[]> {
  const [found, replaced] = await complete(line, COMMANDS, async (path) => TREE[path] ?? []);
  expect(line.endsWith(replaced)).toBe(true);
  return found;
}

test.each([
  ['getA', ['getAcl ', 'getAllChildrenNumber ']],
  ['unreg', ['unregister ']],
  ['help pri', ['printwatches ']],
  ['get ', ['/']],
  ['get /ap', ['/app', '/apple']],
  ['get -s /app/', ['/app/one', '/app/two']],
  ['get /app/one', ['/app/one ']],
  ['set /app/t', ['/app/two']],
  ['set /app /', []],
  ['delete -v 3 /appl', ['/apple']],
  ['get "/w', ['"/with space']],
  ['get /w', ['"/with space']],
  ["get '/app/o", ["'/app/one"]],
  ['ls -', ['-s ', '-w ', '-R ', '--json ', '--timeout ', '--help ']],
  ['addWatch -m PERSISTENT_', ['PERSISTENT_RECURSIVE ']],
  ['printwatches ', ['on ', 'off ']],
  ['nonsense /', []],
])('Tab after %p offers %p', async (line, offered) => {
  expect(await candidates(line)).toEqual(offered);
});

test('a node with children is completed with a slash to go on', async () => {
  const [found] = await complete('get /app', COMMANDS, async (path) => (path === '/' ? ['app'] : ['one']));
  expect(found).toEqual(['/app/']);
});

test('children that cannot be listed offer nothing', async () => {
  expect(await candidates('get /nowhere/x')).toEqual([]);
});
