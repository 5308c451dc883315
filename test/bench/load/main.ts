/** The load generator: clients in a process of their own, so that what they cost is nobody's who is measured. */
import { randomBytes } from 'node:crypto';
import { percentiles, type Round } from '../measure.ts';
import { ZooKeeperClient } from '../zookeeper/client.ts';
import type { Churn, Fanout, LoadAnswer, LoadCommand, LoadMix } from './commands.ts';

/** Sessions that are opened or closed at a time. */
const parallelOpening = 64;
/** Reads of each node before it is measured: a cache keeps what is read twice. */
const fillingReads = 3;

const sessions = new Map<string, ZooKeeperClient[]>();

async function serve(command: LoadCommand): Promise<unknown> {
  switch (command.type) {
    case 'open':
      return open(command);
    case 'fill':
      return fill(command);
    case 'warm':
      return warm(command);
    case 'settle':
      return clientOf(command.system).settled(command.root);
    case 'run':
      return run(command);
    case 'churn':
      return churn(command);
    case 'fanout':
      return fanout(command);
    case 'close': {
      const open = sessions.get(command.system) ?? [];
      sessions.delete(command.system);
      return inParallel(open.length, parallelOpening, (index) => (open[index] as ZooKeeperClient).close());
    }
  }
}

function clientOf(system: string): ZooKeeperClient {
  const [client] = sessions.get(system) ?? [];
  if (client === undefined) throw new Error(`No session with ${system} is open`);
  return client;
}

async function open({ system, host, port, count }: Extract<LoadCommand, { type: 'open' }>): Promise<void> {
  const opened = sessions.get(system) ?? [];
  sessions.set(system, opened);
  await inParallel(count, parallelOpening, async () => {
    opened.push(await ZooKeeperClient.connect(host, port));
  });
}

async function fill({ system, root, nodes, sizeBytes }: Extract<LoadCommand, { type: 'fill' }>): Promise<void> {
  const client = clientOf(system);
  const data = randomBytes(sizeBytes);
  await client.create(root, new Uint8Array());
  const paths = Array.from({ length: nodes }, (_, index) => `${root}/n${index}`);
  await Promise.all(paths.map((path) => client.create(path, data)));
  await warm({ system, root, nodes });
}

async function warm({ system, root, nodes }: { system: string; root: string; nodes: number }): Promise<void> {
  const client = clientOf(system);
  // A sync waits for everything that was written before it, by whomever.
  await client.settled(root);
  for (let pass = 0; pass < fillingReads; pass++) {
    await Promise.all(Array.from({ length: nodes }, (_, index) => client.getData(`${root}/n${index}`)));
  }
}

async function run({ system, root, ...mix }: { system: string; root: string } & LoadMix): Promise<Round> {
  const open = sessions.get(system) ?? [];
  const data = randomBytes(mix.sizeBytes);
  const paths = Array.from({ length: mix.nodes }, (_, index) => `${root}/n${index}`);
  const latencies: number[] = [];
  let random = 12345;
  const below = (limit: number) => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (random >>> 8) % limit;
  };
  const begun = performance.now();
  const lane = async (client: ZooKeeperClient) => {
    for (let now = begun; now - begun < mix.ms; ) {
      const path = paths[below(paths.length)] as string;
      if (below(100) < mix.reads) await client.getData(path);
      else await client.setData(path, data);
      const after = performance.now();
      latencies.push(after - now);
      now = after;
    }
  };
  await Promise.all(open.slice(0, mix.sessions).map(lane));
  const ms = performance.now() - begun;
  return { operations: latencies.length, ...percentiles(latencies), perSecond: (latencies.length / ms) * 1000 };
}

async function churn(command: Extract<LoadCommand, { type: 'churn' }>): Promise<Churn> {
  const { host, port, count, parallel, mostMs } = command;
  const begun = performance.now();
  let done = 0;
  await inParallel(count, parallel, async () => {
    if (performance.now() - begun > mostMs) return;
    const client = await ZooKeeperClient.connect(host, port);
    await client.close();
    done++;
  });
  return { count: done, ms: performance.now() - begun };
}

async function fanout({ system, root, writes }: Extract<LoadCommand, { type: 'fanout' }>): Promise<Fanout> {
  const watchers = sessions.get(system) ?? [];
  let heard = 0;
  let asked = 0;
  let onLast: () => void = () => undefined;
  const [half, last]: [number[], number[]] = [[], []];
  const onChange = () => {
    heard++;
    if (heard === Math.ceil(watchers.length / 2)) half.push(performance.now() - asked);
    if (heard < watchers.length) return;
    last.push(performance.now() - asked);
    onLast();
  };
  await inParallel(watchers.length, parallelOpening, (index) =>
    (watchers[index] as ZooKeeperClient).watch(root, onChange),
  );
  const data = randomBytes(1024);
  for (let write = 0; write < writes; write++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    onLast = resolve;
    heard = 0;
    asked = performance.now();
    await Promise.all([clientOf(system).setData(root, data), promise]);
  }
  return { half, last };
}

async function inParallel(count: number, parallel: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, count) }, lane));
}

process.on('message', (command: LoadCommand) => {
  const answer = (message: LoadAnswer) => process.send?.(message);
  serve(command).then(
    (result) => answer({ ok: true, result }),
    (error: unknown) =>
      answer({ ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
