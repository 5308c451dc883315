/**
 * `helm test`: declares an instance, writes and reads through its binding, asks its gateway, and removes it.
 * Environment: FAASKEEPER_NAMESPACE and FAASKEEPER_TEST_INSTANCE (its name).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaaSKeeper as Client } from '@faaskeeper/client';
import { API_VERSION, type FaaSKeeper, findCondition, KIND, PLURAL } from '../api/index.ts';
import { kubernetes } from '../kubernetes/connect.ts';
import { isConflict, type KubernetesClient, type ResourceType, TYPES } from '../kubernetes/index.ts';

const type: ResourceType<FaaSKeeper> = { apiVersion: API_VERSION, kind: KIND, plural: PLURAL };

/** ms. */
const BOUNDS = { ready: 180_000, poll: 1_000, gateway: 10_000, gatewayAttempt: 2_000, gone: 60_000 } as const;

/** Exit code of `self-test`. */
export async function selfTest(env: Readonly<Record<string, string | undefined>>): Promise<0 | 1> {
  const { FAASKEEPER_NAMESPACE: namespace, FAASKEEPER_TEST_INSTANCE: name } = env;
  if (!namespace || !name) throw new Error('FAASKEEPER_NAMESPACE and FAASKEEPER_TEST_INSTANCE must be set');
  const { client } = kubernetes('faaskeeper-self-test');
  const metadata = { namespace, name };
  try {
    await client.create(type, { apiVersion: API_VERSION, kind: KIND, metadata, spec: { deletionPolicy: 'Delete' } });
  } catch (error) {
    // Left by a test that was killed: it will do.
    if (!isConflict(error)) throw error;
  }
  say(`declared ${namespace}/${name}`);
  try {
    const instance = await untilReady(client, metadata);
    await writeAndRead(client, instance);
    await askGateway(instance);
    return 0;
  } catch (error) {
    say(`failed: ${(error as Error).message}`);
    return 1;
  } finally {
    await remove(client, metadata);
  }
}

interface Name {
  readonly namespace: string;
  readonly name: string;
}

async function untilReady(client: KubernetesClient, { namespace, name }: Name): Promise<FaaSKeeper> {
  const begun = performance.now();
  for (;;) {
    const instance = await client.get(type, namespace, name);
    const conditions = instance?.status?.conditions;
    const ready = findCondition(conditions ?? [], 'Ready');
    if (instance !== undefined && ready?.status === 'True') {
      say(`ready after ${seconds(begun)} s`);
      return instance;
    }
    if (performance.now() - begun > BOUNDS.ready) {
      const what = conditions?.map((one) => `${one.type}=${one.status} (${one.reason}: ${one.message})`).join('; ');
      throw new Error(`not ready after ${seconds(begun)} s: ${what ?? 'no conditions; does the operator run?'}`);
    }
    await sleep(BOUNDS.poll);
  }
}

async function writeAndRead(client: KubernetesClient, { metadata, status }: FaaSKeeper): Promise<void> {
  const secret = await client.get(TYPES.secret, metadata.namespace, status?.binding?.name ?? '');
  if (secret?.data === undefined) throw new Error('the binding Secret is not there');
  const directory = await mkdtemp(join(tmpdir(), 'binding-'));
  try {
    for (const [key, value] of Object.entries(secret.data)) {
      await writeFile(join(directory, key), Buffer.from(value, 'base64'));
    }
    const begun = performance.now();
    const session = await Client.fromBinding(directory);
    say(`a session was opened after ${seconds(begun)} s`);
    try {
      const path = await session.create('/self-test-', 'data', { mode: 'EPHEMERAL_SEQUENTIAL' });
      const { data } = await session.getData(path);
      if (Buffer.from(data ?? []).toString() !== 'data')
        throw new Error(`${path} holds something else than was written`);
      say(`${path} was written and read after ${seconds(begun)} s`);
    } finally {
      await session.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function askGateway({ status }: FaaSKeeper): Promise<void> {
  const address = status?.endpoints?.zookeeper;
  if (address === undefined) {
    say('the instance has no gateway');
    return;
  }
  const begun = performance.now();
  for (;;) {
    try {
      const answer = await fourLetterWord(address, 'srvr');
      say(`the gateway at ${address} answers: ${answer.split('\n')[0]}`);
      return;
    } catch (cause) {
      if (performance.now() - begun > BOUNDS.gateway) {
        throw new Error(`the gateway at ${address} does not answer: ${(cause as Error).message}`, { cause });
      }
      await sleep(BOUNDS.poll);
    }
  }
}

function fourLetterWord(address: string, word: string): Promise<string> {
  const colon = address.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(address.slice(colon + 1)), address.slice(0, colon));
    let text = '';
    socket.setEncoding('utf8').setTimeout(BOUNDS.gatewayAttempt);
    socket.on('connect', () => socket.write(word));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
    socket.on('error', reject);
    socket.on('close', () => (text === '' ? reject(new Error('closed without an answer')) : resolve(text)));
  });
}

async function remove(client: KubernetesClient, { namespace, name }: Name): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const instance = await client.get(type, namespace, name);
    if (instance === undefined) {
      say('removed');
      return;
    }
    if (instance.metadata.deletionTimestamp === undefined) await client.delete(type, instance);
    if (performance.now() - begun > BOUNDS.gone) {
      say(`${namespace}/${name} is still being removed after ${seconds(begun)} s`);
      return;
    }
    await sleep(BOUNDS.poll);
  }
}

function seconds(begun: number): string {
  return ((performance.now() - begun) / 1000).toFixed(1);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
