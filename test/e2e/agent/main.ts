/** Runs in a pod that mounts a binding Secret: does what the test asks for on stdin, answers on stdout. */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { FaaSKeeper } from '@faaskeeper/client';
import { Load } from './load.ts';
import type { Answer, CommandName, Commands, Request } from './protocol.ts';

interface Session {
  readonly client: FaaSKeeper;
  readonly past: string[];
}

/** ms. */
const BOUNDS = { tcpSilence: 2_000, http: 60_000 } as const;

const sessions = new Map<string, Session>();
let load: Load | undefined;

function session(name: string): Session {
  const found = sessions.get(name);
  if (found === undefined) throw new Error(`There is no session ${name}`);
  return found;
}

function running(): Load {
  if (load === undefined) throw new Error('There is no load');
  return load;
}

type Call = (...args: unknown[]) => Promise<unknown>;

async function call(input: Commands['call']['in']): Promise<Commands['call']['out']> {
  const { client } = session(input.session);
  const method = (client as unknown as Record<string, Call>)[input.method];
  if (method === undefined) throw new Error(`The client has no ${input.method}`);
  const begun = performance.now();
  const value = await method.apply(client, input.args);
  return { value, ms: performance.now() - begun };
}

/** What makes two trees the same for a reader: not who wrote them when, which a restored tree keeps as well. */
async function tree({ client }: Session, path: string, nodes: Record<string, unknown>): Promise<void> {
  const { data, stat } = await client.getData(path);
  if (stat.ephemeralOwner !== 0) return;
  const { acl } = await client.getACL(path);
  const { version, aversion, ctime, mtime, czxid, mzxid } = stat;
  nodes[path] = { data, acl, version, aversion, ctime, mtime, czxid, mzxid };
  const children = (await client.getChildren(path)).sort();
  for (const child of children) {
    if (path === '/' && child === 'zookeeper') continue;
    await tree({ client, past: [] }, path === '/' ? `/${child}` : `${path}/${child}`, nodes);
  }
}

function tcp({ host, port, send }: Commands['tcp']['in']): Promise<Commands['tcp']['out']> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let text = '';
    socket.setEncoding('latin1').setTimeout(BOUNDS.tcpSilence);
    socket.on('connect', () => socket.write(send));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('timeout', () => socket.destroy());
    socket.on('error', reject);
    socket.on('close', () => resolve({ text }));
  });
}

const commands: { [Name in CommandName]: (input: Commands[Name]['in']) => Promise<Commands[Name]['out']> } = {
  async open({ session: name, timeoutMs }) {
    const begun = performance.now();
    const client = await FaaSKeeper.fromBinding(
      undefined,
      timeoutMs === undefined ? {} : { sessionTimeout: timeoutMs },
    );
    const past: string[] = [];
    client.on('state', (state) => void past.push(state));
    sessions.set(name, { client, past });
    return { id: client.sessionId, ms: performance.now() - begun };
  },
  call,
  async repeat({ times, ...input }) {
    const ms: number[] = [];
    for (let at = 0; at < times; at++) ms.push((await call(input)).ms);
    return { ms };
  },
  async state({ session: name }) {
    const { client, past } = session(name);
    return { id: client.sessionId, state: client.state, past };
  },
  async close({ session: name }) {
    await session(name).client.close();
    sessions.delete(name);
    return {};
  },
  async load(options) {
    await load?.close();
    load = await Load.start(options);
    return {};
  },
  progress: async () => running().report(),
  stop: () => running().stop(),
  verify: () => running().verify(),
  async tree({ session: name, path }) {
    const nodes: Record<string, unknown> = {};
    await tree(session(name), path, nodes);
    return { nodes };
  },
  async http({ url, method = 'GET', headers = {}, body }) {
    const signal = AbortSignal.timeout(BOUNDS.http);
    const answer = await fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) });
    return { status: answer.status, text: await answer.text() };
  },
  tcp,
};

function say(answer: Answer): void {
  const text = JSON.stringify(answer, (_, value) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString();
    return typeof value === 'bigint' ? String(value) : value;
  });
  process.stdout.write(`${text}\n`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, input } = JSON.parse(line) as Request;
  const work = commands[command] as (input: unknown) => Promise<unknown>;
  work(input).then(
    (output) => say({ id, output }),
    (error: Error & { code?: string }) =>
      say({ id, error: { message: error.message, ...(error.code === undefined ? {} : { code: error.code }) } }),
  );
}
await Promise.allSettled([...sessions.values()].map(({ client }) => client.close()));
await load?.close();
process.exit(0);
