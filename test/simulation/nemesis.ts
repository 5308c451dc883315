import { pathDigest } from '@faaskeeper/protocol';
import type { SimClient } from './client.ts';
import type { Programs } from './functions.ts';
import { FAIR } from './network.ts';
import type { SimProcess } from './process.ts';
import type { Chance } from './random.ts';
import type { Surroundings } from './surroundings.ts';

/** The longest that a process stands still, ms: less than what is deleted for good waits for (see world.ts). */
const PAUSE_MOST_MS = 15_000;

/** How wrong a time of day is at most, ms. */
const CLOCK_OFF_MOST_MS = 20_000;

export const FAULTS = [
  'crash function',
  'crash trigger',
  'crash client',
  'pause',
  'break connection',
  'restart NATS',
  'redis down',
  's3 down',
  'partition',
  'wipe Redis',
  'roll Redis back',
  'depose leader',
  'jump clock',
  'lose position',
  'damage object',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Does what the outside world does to a running system. */
export class Nemesis {
  readonly #world: Surroundings;
  readonly #programs: Programs;
  readonly #clients: () => readonly SimClient[];
  readonly #chance: Chance;
  #over = false;
  #snapshot: ReturnType<Surroundings['store']['snapshot']> | undefined;
  /** Faults that this seed knows. */
  readonly faults: readonly Fault[];
  readonly #everyMs: number;

  constructor(world: Surroundings, programs: Programs, clients: () => readonly SimClient[]) {
    this.#world = world;
    this.#programs = programs;
    this.#clients = clients;
    this.#chance = world.scheduler.chance.fork('nemesis');
    // Each seed knows some faults only: all of them at once hide each other.
    const share = this.#chance.fraction();
    this.faults = FAULTS.filter(() => this.#chance.happens(share));
    this.#everyMs = this.#chance.between(300, 5_000);
  }

  start(): void {
    this.#drawWeather();
    if (this.faults.length > 0) void this.#run();
    if (this.faults.includes('roll Redis back')) void this.#takeSnapshots();
  }

  /** Everything works again; what was lost stays lost. */
  heal(): void {
    this.#over = true;
    const { weather, log, nats } = this.#world;
    this.#note('everything works again');
    Object.assign(weather.nats, FAIR, { lostMessage: 0, slowInterest: 0 });
    Object.assign(weather.redis, FAIR);
    Object.assign(weather.s3, FAIR);
    Object.assign(this.#programs.weather, { lostRequest: 0, lostAnswer: 0, duplicate: 0, scaleOut: 0, crash: 0 });
    log.deposed = undefined;
    for (const connection of nats.connections) connection.link.cut = false;
    for (const process of this.#processes()) {
      const { redis, s3 } = this.#world.connections(process);
      redis.cut = false;
      s3.cut = false;
    }
    if (this.#programs.triggers.length === 0) this.#programs.startTrigger();
  }

  #note(what: string): void {
    this.#world.scheduler.note('nemesis', what);
  }

  #drawWeather(): void {
    const chance = this.#chance;
    const { nats, redis, s3 } = this.#world.weather;
    const some = () => (chance.happens(0.5) ? 0 : chance.fraction() ** 3 * 0.2);
    for (const server of [nats, redis, s3]) {
      Object.assign(server, {
        delayMs: 0.2 + chance.fraction() ** 2 * 20,
        slow: some(),
        slowMs: chance.fraction() * 2_000,
        lostRequest: some() * 0.3,
        lostAnswer: some() * 0.3,
        late: some() * 0.3,
      });
    }
    Object.assign(nats, { lostMessage: some(), slowInterest: some() * 3, interestMs: 200 });
    const functions = { lostRequest: some(), lostAnswer: some(), duplicate: some(), scaleOut: some(), crash: some() };
    Object.assign(this.#programs.weather, functions, { delayMs: 0.2 + chance.fraction() * 5 });
    this.#world.objects.conditionalDelete = chance.happens(0.5);
    this.#note(`faults: ${this.faults.join(', ')}, every ${this.#everyMs.toFixed(0)} ms`);
  }

  async #run(): Promise<void> {
    const { scheduler } = this.#world;
    for (;;) {
      await scheduler.sleep(this.#chance.around(this.#everyMs), 'nemesis');
      if (this.#over) return;
      this.#strike(this.#chance.pick(this.faults));
    }
  }

  async #takeSnapshots(): Promise<void> {
    while (!this.#over) {
      this.#snapshot = this.#world.store.snapshot();
      await this.#world.scheduler.sleep(this.#chance.around(3_000), 'snapshot');
    }
  }

  #processes(): SimProcess[] {
    const clients = this.#clients().map(({ process }) => process);
    return [...this.#programs.processes, ...clients].filter(({ alive }) => alive);
  }

  #someone(): SimProcess | undefined {
    const all = this.#processes();
    return all.length === 0 ? undefined : this.#chance.pick(all);
  }

  #strike(fault: Fault): void {
    const { scheduler, nats, store, log, weather } = this.#world;
    const chance = this.#chance;
    const someone = this.#someone();
    switch (fault) {
      case 'crash function': {
        const functions = this.#programs.processes.filter((process) => !this.#programs.triggers.includes(process));
        if (functions.length > 0) chance.pick(functions).crash();
        break;
      }
      case 'crash trigger':
        if (this.#programs.triggers.length > 0) chance.pick(this.#programs.triggers).crash();
        scheduler.after(chance.around(3_000), 'start trigger', () => this.#programs.startTrigger());
        break;
      case 'crash client': {
        const alive = this.#clients().filter(({ process }) => process.alive);
        if (alive.length > 0) chance.pick(alive).process.crash();
        break;
      }
      case 'pause':
        someone?.pause(Math.min(PAUSE_MOST_MS, chance.around(3_000)));
        break;
      case 'break connection':
        if (someone !== undefined) {
          someone.note('loses its connection to NATS');
          this.#world.connections(someone).nats.break(chance.around(800));
        }
        break;
      case 'restart NATS':
        nats.restart(chance.around(800));
        break;
      case 'redis down':
        this.#downFor(weather.redis, 'Redis');
        break;
      case 's3 down':
        this.#downFor(weather.s3, 'S3');
        break;
      case 'partition':
        if (someone !== undefined) this.#partition(someone);
        break;
      case 'wipe Redis':
        this.#note('wipes Redis');
        store.wipe();
        break;
      case 'roll Redis back':
        if (this.#snapshot === undefined) break;
        this.#note(
          `rolls Redis back to ${this.#snapshot.state?.applied ?? 'nothing'} from ${store.state?.applied ?? 'nothing'}`,
        );
        store.restore(this.#snapshot);
        break;
      case 'depose leader':
        this.#note(`a deposed leader of LOG shows ${log.last}`);
        log.deposed = log.last;
        scheduler.after(chance.fraction() * 4_000, 'election', () => {
          log.deposed = undefined;
        });
        break;
      case 'jump clock':
        if (someone === undefined) break;
        someone.clockOffset = chance.between(-CLOCK_OFF_MOST_MS, CLOCK_OFF_MOST_MS);
        this.#world.clockSkew = 2 * CLOCK_OFF_MOST_MS;
        someone.note(`its time of day is ${someone.clockOffset.toFixed(0)} ms off`);
        break;
      case 'lose position':
        this.#note('the consumer of LOG loses its position');
        nats.log.losePosition();
        break;
      case 'damage object':
        this.#damage();
    }
  }

  /** The object of a node. What clients read is repaired; of the rest, an operator hears. */
  #damage(): void {
    const { keys, objects } = this.#world;
    const prefix = keys.node('/').slice(0, -pathDigest('/').length);
    const nodes = [...objects.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    if (nodes.length === 0) return;
    const key = this.#chance.pick(nodes);
    this.#note(`damages ${key}`);
    objects.damage(key, this.#chance);
  }

  #downFor(server: { down: boolean }, name: string): void {
    const ms = this.#chance.around(2_000);
    this.#note(`${name} is down for ${ms.toFixed(0)} ms`);
    server.down = true;
    this.#world.scheduler.after(ms, 'up again', () => {
      server.down = false;
    });
  }

  #partition(process: SimProcess): void {
    const { nats, redis, s3 } = this.#world.connections(process);
    const links = [nats.link, redis, s3].filter(() => this.#chance.happens(0.6));
    const ms = this.#chance.around(4_000);
    process.note(`is cut off from ${links.length} servers for ${ms.toFixed(0)} ms`);
    for (const link of links) link.cut = true;
    this.#world.scheduler.after(ms, 'partition over', () => {
      for (const link of links) link.cut = false;
    });
  }
}
