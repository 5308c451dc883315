import type { ConnectOptions } from '@faaskeeper/client';
import type { Address } from '../../support/zk-wire/index.ts';
import type { Component } from './component.ts';
import type { Network } from './network.ts';

/** Functions, trigger and gateway: what is ours. */
export const PROGRAMS = ['writer', 'distributor', 'watch', 'heartbeat', 'trigger', 'gateway'] as const;
export type Program = (typeof PROGRAMS)[number];

/** A whole FaaSKeeper as the clients and the nemesis of a run see it. */
export interface ChaosSystem extends AsyncDisposable {
  /** For the report: what runs, in which version. */
  readonly versions: Readonly<Record<string, string>>;
  /** How the native client with this number gets in. */
  native(client: number): Promise<ConnectOptions>;
  /** The same for one that comes through the gateway. */
  gateway(client: number): Promise<Address>;
}

/** One whose processes are children of this one, on this machine. */
export interface LocalSystem extends ChaosSystem {
  /** By name: the programs, `nats` (or `nats-1` …), `redis` (and `replica`), `s3`. */
  readonly components: ReadonlyMap<string, Component>;
  readonly network: Network;
  /** Directory of the data of a store, with a file system of its own if `volumes` were asked for. */
  readonly dataDirs: Readonly<Record<string, string>>;
  /** Servers whose data is on a file system of its own. */
  readonly volumes: ReadonlySet<string>;
  /** Sets the clock of a program off by so many ms; undefined where that cannot be done here. */
  readonly skew: ((program: Program, ms: number) => Promise<void>) | undefined;
  readonly redis: RedisControl;
  /** Of three nodes, the one that leads LOG or REQ; undefined with one. */
  readonly leader: ((stream: 'log' | 'request') => Promise<string>) | undefined;
}

export interface RedisControl {
  flush(): Promise<void>;
  /** Keeps a copy of the data as it is now. */
  remember(): Promise<void>;
  /** Starts Redis with the data that was remembered. */
  rollBack(): Promise<void>;
  /** Cuts the replica off; undefined where there is none. */
  readonly lag: (() => void) | undefined;
  /** Makes the replica the one that everybody uses, and the other its replica. */
  readonly promote: (() => Promise<void>) | undefined;
}

export function componentOf({ components }: LocalSystem, name: string): Component {
  const component = components.get(name);
  if (component === undefined) throw new Error(`There is no ${name}`);
  return component;
}
