import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaaSKeeper } from '@faaskeeper/client';
import { type LocalFaaSKeeper, startLocal } from '../../../operator/local/index.ts';

/** Rounds in which each process is killed once. */
const ROUNDS = 2;
const CLIENTS = 3;
/** Writes that must be acknowledged between two kills, so that each kill meets a working system. */
const WRITES_BETWEEN_KILLS = 40;

let home: string;
let local: LocalFaaSKeeper;
const events: string[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'faaskeeper-kill-'));
  local = await startLocal({ home, logLevel: 'warn', onEvent: (line) => events.push(line) });
}, 120_000);

afterAll(async () => {
  await local?.stop();
  await rm(home, { recursive: true, force: true });
}, 60_000);

function connect(): Promise<FaaSKeeper> {
  return FaaSKeeper.fromBinding(local.bindingDir, { sessionTimeout: 30_000, requestTimeout: 90_000 });
}

/** Writes until told to stop; keeps what was acknowledged. */
class Load {
  readonly created: string[] = [];
  readonly queue: string;
  readonly counter: string;
  count = 0;
  ephemeral = '';
  readonly #client: FaaSKeeper;

  constructor(client: FaaSKeeper, index: number) {
    this.#client = client;
    this.queue = `/queue-${index}`;
    this.counter = `/counter-${index}`;
  }

  async run(acknowledged: () => void, done: () => boolean): Promise<void> {
    const client = this.#client;
    await client.create(this.queue);
    await client.create(this.counter, '0');
    this.ephemeral = await client.create(`${this.queue}-live`, null, { mode: 'EPHEMERAL' });
    while (!done()) {
      const next = this.count + 1;
      const [path, stat] = await Promise.all([
        client.create(`${this.queue}/n-`, String(next), { mode: 'PERSISTENT_SEQUENTIAL' }),
        client.setData(this.counter, String(next)),
      ]);
      this.created.push(path);
      this.count = next;
      expect(stat.version).toBe(next);
      acknowledged();
    }
  }
}

/** Resolves once `count` more writes were acknowledged. */
class Progress {
  #total = 0;
  #waiting: { at: number; resolve: () => void }[] = [];

  readonly acknowledged = (): void => {
    this.#total += 1;
    this.#waiting = this.#waiting.filter(({ at, resolve }) => (this.#total >= at ? resolve() : true));
  };

  more(count: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ at: this.#total + count, resolve }));
  }
}

test('nothing acknowledged is lost or doubled when any process is killed at any moment', async () => {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, connect));
  const loads = clients.map((client, index) => new Load(client, index));
  const progress = new Progress();
  let done = false;
  const running = Promise.all(loads.map((load) => load.run(progress.acknowledged, () => done)));
  const failed = running.then(() => Promise.reject(new Error('the load ended early')));
  failed.catch(() => {});
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, child] of Object.entries(local.processes)) {
      await Promise.race([progress.more(WRITES_BETWEEN_KILLS), failed]);
      events.push(`killing ${name}`);
      child?.kill('SIGKILL');
    }
  }
  await Promise.race([progress.more(WRITES_BETWEEN_KILLS), failed]);
  done = true;
  await running;

  await using reader = await connect();
  for (const load of loads) {
    const children = await reader.getChildren(load.queue);
    expect(children.map((name) => `${load.queue}/${name}`).sort()).toEqual([...load.created].sort());
    const { data, stat } = await reader.getData(load.counter);
    expect([new TextDecoder().decode(data ?? undefined), stat.version]).toEqual([String(load.count), load.count]);
    const last = await reader.getData(load.created.at(-1) ?? '');
    expect(new TextDecoder().decode(last.data ?? undefined)).toBe(String(load.count));
    expect(await reader.exists(load.ephemeral)).not.toBeNull();
  }
  await Promise.all(clients.map((client) => client.close()));
  await reader.sync('/');
  for (const load of loads) expect(await reader.exists(load.ephemeral)).toBeNull();
}, 240_000);
