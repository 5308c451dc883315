import { connect } from 'node:net';

const probeTimeoutMs = 2_000;

/** Sends `hello` over TCP and returns what came back once it contains `expected`; throws otherwise. */
export function converse(host: string, port: number, hello: string, expected: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ host, port });
    const end = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve(received);
    };
    socket.setTimeout(probeTimeoutMs, () => end(new Error(`no answer on ${host}:${port} within ${probeTimeoutMs} ms`)));
    socket.once('error', end);
    socket.once('close', () => end(new Error(`${host}:${port} closed the connection: ${received.slice(-200)}`)));
    socket.once('connect', () => socket.write(hello));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (received.includes(expected)) end();
      else if (received.includes('-ERR') || received.includes('-WRONGPASS') || received.includes('-LOADING')) {
        end(new Error(received.trim().slice(-200)));
      }
    });
  });
}

/** Resolves when NATS takes these credentials. */
export async function probeNats(host: string, port: number, user: string, password: string): Promise<void> {
  const options = JSON.stringify({
    verbose: false,
    pedantic: false,
    user,
    pass: password,
    lang: 'probe',
    version: '0',
  });
  await converse(host, port, `CONNECT ${options}\r\nPING\r\n`, 'PONG\r\n');
}

/** Resolves when Redis takes the password and has loaded its data. */
export async function probeRedis(host: string, port: number, password: string): Promise<void> {
  const auth = password === '' ? '' : `AUTH ${password}\r\n`;
  await converse(host, port, `${auth}PING\r\n`, '+PONG\r\n');
}

/** Resolves when an HTTP GET of `url` is answered with a 2xx. */
export async function probeHttp(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(probeTimeoutMs) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
}
