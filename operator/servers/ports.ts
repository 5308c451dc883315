import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { hasCode, portTaken } from './errors.ts';

export const loopback = '127.0.0.1';

/**
 * Free ports are picked here: below those that systems give to outgoing connections and to whoever asks for any, which
 * would take one again before its server listens; and below Kubernetes' node ports, which nobody binds.
 */
const PICKED = { first: 10_240, last: 29_999, attempts: 50 } as const;

/** @throws what the system says of the last attempt. */
async function pick(host: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await probe(host, randomInt(PICKED.first, PICKED.last + 1));
    } catch (error) {
      if (attempt === PICKED.attempts) throw error;
    }
  }
}

/** Binds `port` for an instant and returns it. */
function probe(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(port)));
  });
}

export interface PortRequest {
  readonly title: string;
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** The command line flag that changes the port, for the error message. */
  readonly flag?: string | undefined;
}

/** Returns a port that can be listened on now, or throws PORT_TAKEN naming the port and its flag. */
export async function claimPort({ title, host, port, flag }: PortRequest): Promise<number> {
  if (port === 0) return await pick(host);
  try {
    return await probe(host, port);
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) {
      throw portTaken(title, host, port, flag);
    }
    throw error;
  }
}

/** Picks `count` different free ports. */
export async function freePorts(count: number, host = loopback): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await pick(host));
  return [...ports];
}
