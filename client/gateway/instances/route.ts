import type { Connection } from '../connection/connection.ts';
import type { InstanceSettings } from '../settings.ts';
import type { Port } from './port.ts';
import type { ServedInstance } from './served-instance.ts';

/** A port that leads to an instance. */
export interface RouteSettings {
  /** 0 picks a free one. */
  readonly port: number;
  readonly secure: boolean;
  /** TLS server names; without any, the port is the instance's own. */
  readonly names: readonly string[];
}

/** One way to an instance, and who came by it. */
export class Route {
  readonly instance: ServedInstance;
  readonly connections = new Set<Connection>();
  readonly port: Port;
  settings: RouteSettings;
  /** False from when it is being closed. */
  open = true;

  constructor(instance: ServedInstance, port: Port, settings: RouteSettings) {
    this.instance = instance;
    this.port = port;
    this.settings = settings;
  }
}

/** All ways to an instance. @param sharedPort TLS port of those that have server names and none of their own. */
export function routesOf(settings: InstanceSettings, sharedPort: number | undefined): RouteSettings[] {
  const { port, serverNames: names = [] } = settings;
  const securePort = settings.securePort ?? (names.length > 0 ? sharedPort : undefined);
  return [
    ...(port === undefined ? [] : [{ port, secure: false, names: [] }]),
    ...(securePort === undefined ? [] : [{ port: securePort, secure: true, names }]),
  ];
}

/** Whether both are the same way, by whatever names. */
export function leadsBy(one: RouteSettings, other: RouteSettings): boolean {
  return one.port === other.port && one.secure === other.secure;
}

export function sameNames(one: RouteSettings, other: RouteSettings): boolean {
  return one.names.join(' ') === other.names.join(' ');
}
