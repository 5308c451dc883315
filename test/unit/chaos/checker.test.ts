import { judge } from '../../chaos/checker/index.ts';
import { canCheckLinearizability } from '../../chaos/checker/linearizability.ts';
import { node, Script } from './histories.ts';

/** The program has to be built first. */
const timeoutMs = 120_000;
const withGo = canCheckLinearizability() ? test : test.skip;

/** Titles of what a history breaks. */
async function broken(script: Script): Promise<string[]> {
  return (await judge(script.entries)).filter(({ problems }) => problems.length > 0).map(({ title }) => title);
}

const LINEARIZABLE = 'Writes and reads after a sync are linearizable';
const BACK = 'Reads of a session never go back, and show its own writes';
const TRUE = 'Reads show what was written, once it was';
const TOLD = 'A watch tells before its session sees the change';
const SYNC = { sync: true };

test(
  'a history as it should be breaks nothing',
  async () => {
    const script = new Script().create('a', '/r', 'a1', 5).read('b', '/r', node('/r', 'a1', 0, 5), { watch: true });
    script
      .set('a', '/r', 'a2', [1, 6])
      .event('b', '/r', 6)
      .read('b', '/r', node('/r', 'a2', 1, 6), SYNC);
    script.call('a', { f: 'delete', path: '/r', version: 1 }, { zxid: 7 }).read('b', '/r', undefined, SYNC);
    expect(await broken(script)).toEqual([]);
  },
  timeoutMs,
);

describe('porcupine finds (needs Go)', () => {
  withGo(
    'a read after a sync that misses an acknowledged write',
    async () => {
      const script = new Script().create('a', '/r', 'a1', 5).set('a', '/r', 'a2', [1, 6]);
      expect(await broken(script.read('b', '/r', node('/r', 'a1', 0, 5), SYNC))).toEqual([LINEARIZABLE]);
    },
    timeoutMs,
  );

  withGo(
    'two conditional writes that both succeeded on one version',
    async () => {
      const script = new Script().create('a', '/r', 'a1', 5);
      const told = (value: string, zxid: number) => ({ nodes: [node('/r', value, 1, zxid)] });
      const first = script.begin('a', { f: 'set', path: '/r', value: 'a2', version: 0 });
      const second = script.begin('b', { f: 'set', path: '/r', value: 'b1', version: 0 });
      first(told('a2', 6));
      second(told('b1', 7));
      expect(await broken(script)).toEqual([LINEARIZABLE]);
    },
    timeoutMs,
  );

  withGo(
    'a value that comes back after it was replaced, although its write had an unknown outcome',
    async () => {
      const script = new Script().create('a', '/r', 'a1', 5);
      script.call('b', { f: 'set', path: '/r', value: 'b1', version: -1 }, 'info');
      script.read('a', '/r', node('/r', 'b1', 1, 6), SYNC).set('a', '/r', 'a2', [2, 7]);
      expect(await broken(script.read('c', '/r', node('/r', 'b1', 1, 6), SYNC))).toEqual([LINEARIZABLE]);
    },
    timeoutMs,
  );

  withGo(
    'nothing wrong with a write of unknown outcome, whether it was done or not',
    async () => {
      const begun = () => {
        const script = new Script().create('a', '/r', 'a1', 5);
        return script.call('b', { f: 'set', path: '/r', value: 'b1', version: -1 }, 'info');
      };
      expect(await broken(begun().read('a', '/r', node('/r', 'b1', 1, 6), SYNC))).toEqual([]);
      expect(await broken(begun().read('a', '/r', node('/r', 'a1', 0, 5), SYNC))).toEqual([]);
    },
    timeoutMs,
  );
});

describe('the checks of sessions find', () => {
  test('a read that goes back behind what the session has seen, also at another node', async () => {
    const script = new Script().create('a', '/r', 'a1', 5).create('a', '/s', 'a2', 6).set('a', '/r', 'a3', [1, 7]);
    script.set('a', '/s', 'a4', [1, 8]).read('b', '/s', node('/s', 'a4', 1, 8));
    expect(await broken(script.read('b', '/r', node('/r', 'a1', 0, 5)))).toEqual([BACK]);
  });

  test('a session that does not see its own write', async () => {
    const script = new Script().create('a', '/r', 'a1', 5).set('a', '/r', 'a2', [1, 6]);
    expect(await broken(script.read('a', '/r', node('/r', 'a1', 0, 5)))).toEqual([BACK]);
  });

  test('a node that is missing although nobody deleted it', async () => {
    expect(await broken(new Script().create('a', '/r', 'a1', 5).read('a', '/r', undefined))).toEqual([BACK]);
  });

  test('half of a multi', async () => {
    const script = new Script().create('a', '/r', 'a1', 5).create('a', '/s', 'a2', 6);
    const parts = [node('/r', 'a3', 1, 7), node('/s', 'a4', 1, 7)];
    const sets = parts.map(({ path, value }) => ({ path, value }));
    script.call('a', { f: 'multi', sets }, { nodes: parts }).read('b', '/r', node('/r', 'a3', 1, 7));
    expect(await broken(script.read('b', '/s', node('/s', 'a2', 0, 6)))).toEqual([BACK]);
  });

  test('a value of a write that failed for certain, and one that nobody wrote', async () => {
    const script = new Script().call('a', { f: 'create', path: '/r', value: 'a1' }, 'fail');
    expect(await broken(script.read('b', '/r', node('/r', 'a1', 0, 5)))).toEqual([TRUE]);
    expect(await broken(new Script().read('b', '/r', node('/r', 'x', 0, 5)))).toEqual([TRUE]);
  });

  test('a watch that tells after its session has seen the change, or never', async () => {
    const watched = () => {
      const script = new Script().create('a', '/r', 'a1', 5).read('b', '/r', node('/r', 'a1', 0, 5), { watch: true });
      return script.set('a', '/r', 'a2', [1, 6]);
    };
    expect(
      await broken(
        watched()
          .read('b', '/r', node('/r', 'a2', 1, 6))
          .event('b', '/r', 6),
      ),
    ).toEqual([TOLD]);
    expect(await broken(watched().create('b', '/s', 'b1', 7))).toEqual([TOLD]);
    const elsewhere = watched().create('a', '/s', 'a3', 7);
    expect(await broken(elsewhere.read('b', '/chaos', undefined, SYNC))).toEqual([TOLD]);
  });

  test('no fault in a watch that was left behind with a connection to the gateway', async () => {
    const script = new Script().create('a', '/r', 'a1', 5).read('b', '/r', node('/r', 'a1', 0, 5), { watch: true });
    script.session('b', 'reattached', 'gateway').set('a', '/r', 'a2', [1, 6]);
    expect(await broken(script.read('b', '/r', node('/r', 'a2', 1, 6)))).toEqual([]);
  });

  test('watch events out of order', async () => {
    const script = new Script().event('a', '/r', 6).event('a', '/s', 5);
    expect(await broken(script)).toEqual(['Watch events come in the order of zxids']);
  });
});

describe('the checks of writes find', () => {
  const LOST = 'No acknowledged sequential node is lost';
  const ONCE = 'A sequential node is created once, with a number in the order of zxids';
  const first = node('/q/n-0', 'a1', 0, 5);

  function appended(told: 'info' | 'ok'): Script {
    const result = told === 'ok' ? { nodes: [first] } : told;
    return new Script().call('a', { f: 'append', path: '/q', value: 'a1' }, result);
  }

  const final = (queue: ReturnType<typeof node>[]) => ({ type: 'final', queue, nodes: [] }) as const;

  test('a sequential node that was acknowledged and is lost', async () => {
    expect(await broken(appended('ok').add(final([])))).toEqual([LOST]);
    expect(await broken(appended('info').add(final([])))).toEqual([]);
  });

  test('a sequential node that was created twice, or not in order', async () => {
    const twice = [first, node('/q/n-1', 'a1', 0, 6)];
    expect(await broken(appended('info').add(final(twice)))).toEqual([ONCE]);
    const late = [node('/q/n-0', 'a1', 0, 6), node('/q/n-1', 'a2', 0, 5)];
    expect(await broken(appended('info').add(final(late)))).toEqual([ONCE]);
  });

  test('a zxid that is not later than one that was acknowledged before, or that two writes share', async () => {
    const order = 'zxids follow real time, and no two writes share one';
    expect(await broken(new Script().create('a', '/r', 'a1', 6).create('b', '/s', 'b1', 5))).toEqual([order]);
    const script = new Script();
    const [one, other] = ['/r', '/s'].map((path) => script.begin('a', { f: 'create', path, value: path }));
    one?.({ nodes: [node('/r', '/r', 0, 5)] });
    other?.({ nodes: [node('/s', '/s', 0, 5)] });
    expect(await broken(script)).toEqual([order]);
  });

  test('a register that has an older value at the end', async () => {
    const script = new Script().create('a', '/r', 'a1', 5).set('a', '/r', 'a2', [1, 6]);
    const end = { type: 'final', queue: [], nodes: [node('/r', 'a1', 0, 5)] } as const;
    expect(await broken(script.add(end))).toEqual([BACK]);
  });
});

describe('the checks of ephemeral nodes find', () => {
  const STAY = 'Ephemeral nodes of living sessions stay';
  const GO = 'Ephemeral nodes go with their session';
  const own = node('/live/a', 'a1', 0, 5, 1);

  function lived(): Script {
    return new Script().call('a', { f: 'ephemeral', path: own.path, value: 'a1' }, { nodes: [own] });
  }

  test('one that is gone although its session lives, or there although it is over', async () => {
    expect(await broken(lived().add({ type: 'ephemerals', there: [], living: ['a'] }))).toEqual([STAY]);
    expect(await broken(lived().add({ type: 'ephemerals', there: [own], living: [] }))).toEqual([GO]);
    expect(await broken(lived().add({ type: 'ephemerals', there: [own], living: ['a'] }))).toEqual([]);
  });

  test('a session that is served although its node is gone', async () => {
    const script = lived().read('a', own.path, undefined).create('a', '/r', 'a2', 9);
    expect(await broken(script)).toEqual([STAY]);
  });
});
