/** What the nemesis can do to a system on this machine. */
import type { Chance } from '../../simulation/random.ts';
import { CHAOS } from '../bounds.ts';
import type { Component } from '../system/component.ts';
import { NODES } from '../system/nats-cluster.ts';
import { BAD_STATES, type Link, type LinkState } from '../system/network.ts';
import { componentOf, type LocalSystem, PROGRAMS } from '../system/system.ts';
import { fill, makeRoom } from '../system/volumes.ts';

export const FAULTS = {
  kill: 'a process is killed (SIGKILL) and started again after a moment',
  outage: 'a process is killed and stays away for the time of the fault',
  pause: 'a process stands still (SIGSTOP), longer than leases last, and goes on as if nothing had happened',
  restart: 'a process is ended in order and started again',
  partition: 'a program and a server do not hear each other: both ways, one way, late, or connections break',
  isolate: 'a server can be reached by nobody',
  client: 'a client is cut off, or hears nothing',
  disk: 'the disk of NATS, Redis or the S3 store is full',
  clock: 'the clock of a program jumps',
  wipe: 'Redis is emptied (FLUSHALL)',
  rollback: 'Redis comes back with older data',
  node: 'a node of NATS is killed and stays away (r3)',
  leader: 'the node that leads LOG stands still, or is cut off from everybody (r3)',
  promote: 'a Redis replica that has missed writes takes over (r3)',
} as const;
export type FaultName = keyof typeof FAULTS;
export const faultNames = Object.keys(FAULTS) as FaultName[];

export interface Injected {
  readonly detail: string;
  /** Ends it; resolves when what was hit answers again. */
  end(): Promise<void>;
}

export type Inject = () => Promise<Injected>;

/** Those faults that can be done to this system here. */
export function faultsOf(system: LocalSystem, chance: Chance, clients: number): Map<FaultName, Inject> {
  const { redis, skew, leader, volumes } = system;
  const { lag, promote } = redis;
  const all: Record<FaultName, Inject | undefined> = {
    ...processFaults(system, chance),
    partition: () => partition(system, chance),
    isolate: () => isolate(system, chance),
    client: () => cutClient(system, chance, clients),
    disk: volumes.size === 0 ? undefined : () => fillDisk(system, chance),
    clock: skew === undefined ? undefined : () => skewClock(skew, chance),
    wipe: async () => {
      await redis.flush();
      return { detail: 'redis', end: async () => undefined };
    },
    rollback: async () => {
      await redis.remember();
      return { detail: 'redis', end: () => redis.rollBack() };
    },
    node: leader === undefined ? undefined : () => outageOf(componentOf(system, chance.pick(NODES))),
    leader: leader === undefined ? undefined : () => stopLeader(system, leader, chance),
    promote:
      lag === undefined || promote === undefined
        ? undefined
        : async () => {
            lag();
            return { detail: 'replica', end: promote };
          },
  };
  const possible = Object.entries(all).filter(([, inject]) => inject !== undefined);
  return new Map(possible as [FaultName, Inject][]);
}

function processFaults(system: LocalSystem, chance: Chance) {
  const any = () => componentOf(system, chance.pick([...system.components.keys()]));
  return {
    kill: async () => {
      const component = any();
      component.crash();
      return { detail: component.name, end: () => component.ready(CHAOS.nemesisMs) };
    },
    outage: () => outageOf(any()),
    pause: async () => {
      const component = any();
      component.pause();
      const end = async () => {
        component.resume();
        await component.ready(CHAOS.nemesisMs);
      };
      return { detail: component.name, end };
    },
    restart: async () => {
      const component = any();
      const restarted = component.restart();
      // Looked at when the fault ends.
      restarted.catch(() => undefined);
      return { detail: component.name, end: () => restarted };
    },
  } satisfies Partial<Record<FaultName, Inject>>;
}

async function outageOf(component: Component): Promise<Injected> {
  await component.down();
  return { detail: component.name, end: () => component.up() };
}

function impair(links: readonly Link[], state: LinkState, detail: string): Injected {
  for (const link of links) link.state = state;
  const end = async () => {
    for (const link of links) link.state = 'open';
  };
  return { detail: `${detail}: ${state}`, end };
}

/** One program from one server, or from all of them. */
async function partition(system: LocalSystem, chance: Chance): Promise<Injected> {
  const from = chance.pick(PROGRAMS);
  const links = system.network.between(from, undefined);
  const state = chance.pick(BAD_STATES);
  if (chance.happens(0.3)) return impair(links, state, `${from}→all`);
  const to = chance.pick(links).name.replace(/^.*→/, '').replace(/-\d$/, '');
  // With several nodes of NATS, all of them.
  return impair(
    links.filter(({ name }) => name.replace(/-\d$/, '').endsWith(`→${to}`)),
    state,
    `${from}→${to}`,
  );
}

async function isolate(system: LocalSystem, chance: Chance): Promise<Injected> {
  const server = chance.pick(['nats', 'redis', 's3', 'writer', 'distributor']);
  const links = system.network.between(undefined, undefined).filter(({ name }) => {
    const [from, to] = name.split('→') as [string, string];
    return to.replace(/-\d$/, '') === server && !from.startsWith('nats') && from !== 'replica';
  });
  return impair(links, chance.pick(BAD_STATES), `all→${server}`);
}

async function cutClient(system: LocalSystem, chance: Chance, clients: number): Promise<Injected> {
  const client = `client-${chance.below(clients)}`;
  return impair(system.network.between(client, undefined), chance.pick(BAD_STATES), client);
}

async function fillDisk(system: LocalSystem, chance: Chance): Promise<Injected> {
  const store = chance.pick([...system.volumes]);
  const directory = system.dataDirs[store] as string;
  const component = componentOf(system, store);
  await fill(directory).catch(async (error: unknown) => {
    await makeRoom(directory);
    throw error;
  });
  const end = async () => {
    await makeRoom(directory);
    // JetStream stays off after a full disk, and Redis has ended itself: whoever makes room restarts the server.
    await component.restart();
  };
  return { detail: store, end };
}

async function skewClock(skew: NonNullable<LocalSystem['skew']>, chance: Chance): Promise<Injected> {
  const program = chance.pick(PROGRAMS);
  const ms = chance.pick(CHAOS.clockSkewsMs);
  await skew(program, ms);
  return { detail: `${program} by ${ms / 1_000} s`, end: () => skew(program, 0) };
}

/** A deposed leader does not know it: what it says and refuses must decide nothing. */
async function stopLeader(
  system: LocalSystem,
  leader: NonNullable<LocalSystem['leader']>,
  chance: Chance,
): Promise<Injected> {
  const name = await leader('log');
  if (chance.happens(0.5)) {
    const component = componentOf(system, name);
    component.pause();
    return { detail: `${name} paused`, end: async () => component.resume() };
  }
  const links = [...system.network.between(name, undefined), ...system.network.between(undefined, name)];
  const peers = links.filter(({ name: link }) => link.startsWith('nats'));
  // Clients may still talk to it, or not.
  return impair(chance.happens(0.5) ? peers : links, 'held', `${name} without its peers`);
}
