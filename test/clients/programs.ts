/** Runs the programs of this folder against a server and says what came out. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goProgram, javaClassPath, kazooPython } from './install.ts';

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Above what any of them needs on a busy machine. */
const timeoutMs = 100_000;

export async function kazoo(connectString: string): Promise<Output> {
  return output(await kazooPython(), [join(import.meta.dirname, 'kazoo/recipes.py'), connectString]);
}

export async function curator(connectString: string): Promise<Output> {
  return output('java', ['-cp', await javaClassPath(), 'Recipes', connectString]);
}

export async function go(connectString: string): Promise<Output> {
  return output(await goProgram(), [connectString]);
}

export interface Session {
  /** Results of the commands, in order. */
  readonly results: readonly string[];
  /** What went to standard error: created paths, and errors. */
  readonly messages: readonly string[];
  /** Watch events, in order: they arrive whenever they do. */
  readonly events: readonly string[];
}

/** The scripted session of zkCli, below `root`; times are left out and zxids replaced by their order. */
export async function zkCli(connectString: string, root: string): Promise<Session> {
  const script = readFileSync(join(import.meta.dirname, 'zkcli/session.txt'), 'utf8').replaceAll('ROOT', root);
  const main = 'org.apache.zookeeper.ZooKeeperMain';
  const { stdout, stderr } = await output(
    'java',
    ['-cp', await javaClassPath(), main, '-server', connectString],
    script,
  );
  const name = zxidNames(stdout);
  const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !unimportant.test(line));
  const isEvent = (line: string) => line.startsWith('WatchedEvent ');
  const printed = lines(name(identities(stdout)));
  return {
    results: printed.filter((line) => !isEvent(line)),
    messages: lines(stderr),
    events: printed.filter(isEvent),
  };
}

/**
 * Times, addresses, headings of events (which another thread prints), and the client's own goodbye (which it may be too
 * late to print).
 */
const unimportant = /^(SLF4J|[cm]time =|Connecting to|WATCHER::|WatchedEvent state:Closed)/;

/** whoami lists them in any order. */
const identities = (text: string) =>
  text.replace(/(Auth scheme: User\n)((?:\w+: \S+\n)+)/, (_, title: string, list: string) => {
    return title + list.trimEnd().split('\n').toSorted().join('\n').concat('\n');
  });

/** In hexadecimal in Stats, in decimal in events. */
const zxids = /(?<=(?:[cmp]Zxid = |zxid: ))(0x[0-9a-f]+|\d+)/g;

function zxidNames(text: string): (text: string) => string {
  const known = [...new Set((text.match(zxids) ?? []).map(Number))].toSorted((a, b) => a - b);
  return (part) => part.replaceAll(zxids, (zxid) => `#${known.indexOf(Number(zxid))}`);
}

async function output(command: string, args: readonly string[], input = ''): Promise<Output> {
  const child = spawn(command, args, { stdio: 'pipe', timeout: timeoutMs });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.on('error', () => {}).end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout, stderr };
}
