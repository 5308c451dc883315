import { createServer } from 'node:net';
import { hasCode, portTaken } from './errors.ts';

export const loopback = '127.0.0.1';

/** Binds `port` for an instant and returns the port that was bound (`port` 0 picks a free one). */
function probe(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
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
  while (ports.size < count) ports.add(await probe(host, 0));
  return [...ports];
}
