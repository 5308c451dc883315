/** The suites of ZooKeeper's clients, unchanged, from their packages. */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { curatorSuiteClassPath, kazooSuitePython } from '../clients/install.ts';
import { controlVariable, type Instances } from './instances.ts';

export interface SuiteResult {
  readonly passed: number;
  readonly skipped: number;
  /** By name. */
  readonly failed: readonly string[];
  /** All that it printed. */
  readonly output: string;
}

export type Suite = (instances: Instances) => Promise<SuiteResult>;

/** kazoo 2.11.0: what its wheel holds in kazoo/tests, and the servers of its harness are ports in front of the gateway. */
const kazoo: Suite = async (instances) => {
  const { connectString } = await instances.gateway('kazoo', {});
  const args = [
    '-m',
    'pytest',
    '-p',
    'gateway_plugin',
    '--pyargs',
    'kazoo.tests',
    '-q',
    '-rfE',
    '-p',
    'no:cacheprovider',
  ];
  const output = await outputOf(await kazooSuitePython(), args, {
    CI: '1',
    ZOOKEEPER_VERSION: '3.9.5',
    GATEWAY_ADDRESS: connectString,
    PYTHONPATH: join(import.meta.dirname, 'kazoo'),
  });
  const summary = /^.*\d+ passed.* in [\d.]+s.*$/m.exec(output)?.[0] ?? '';
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}`).exec(summary)?.[1] ?? 0);
  const failed = [...output.matchAll(/^(?:FAILED|ERROR) (\S+::\S+)/gm)].map(([, name]) => name!);
  return { passed: count('passed'), skipped: count('skipped'), failed, output };
};

/** Quorum and reconfiguration cannot apply. */
const goNotApplicable = 'TestIntegration_NoQuorum|TestIntegration_Reconfig|TestIntegration_IncrementalReconfig';
const goTimeout = '40m';

/** go-zookeeper 1.0.4: its module holds the tests, and starts servers by a script that is ours. */
const go: Suite = async (instances) => {
  const bin = await mkdtemp(join(tmpdir(), 'faaskeeper-zookeeper-bin-'));
  try {
    const script = join(bin, 'zkServer.sh');
    const standIn = join(import.meta.dirname, 'stand-in.ts');
    await writeFile(script, `#!/bin/sh\nexec '${process.execPath}' --conditions=source '${standIn}' "$@"\n`);
    await chmod(script, 0o755);
    const module = ['mod', 'download', '-json', 'github.com/go-zookeeper/zk@v1.0.4'];
    const { Dir } = JSON.parse((await outputOf('go', module, {}, { stderr: false })).trim()) as { Dir: string };
    const args = ['-C', Dir, 'test', '-count=1', '-timeout', goTimeout, '-v', '-skip', goNotApplicable, '.'];
    const output = await outputOf('go', args, { ZOOKEEPER_BIN_PATH: bin, [controlVariable]: instances.url });
    const named = (what: string) => [...output.matchAll(new RegExp(`^--- ${what}: (\\S+)`, 'gm'))].map(([, n]) => n!);
    const unfinished = /^panic: (.*)$/m.exec(output)?.[1];
    const failed = [...named('FAIL'), ...(unfinished === undefined ? [] : [unfinished])];
    const left = goNotApplicable.split('|').length;
    return { passed: named('PASS').length, skipped: named('SKIP').length + left, failed, output };
  } finally {
    await rm(bin, { recursive: true, force: true });
  }
};

/** Curator 5.9.0: recipes and framework. Its servers are ours, by a class of the same name. */
const curator: Suite = async (instances) => {
  const classPath = await curatorSuiteClassPath(join(import.meta.dirname, 'curator'));
  // A pattern of class names.
  const only = process.env.FAASKEEPER_CURATOR_TESTS ?? 'org\\.apache\\.curator\\.framework\\..*Test.*';
  const console = ['org.junit.platform.console.ConsoleLauncher', '--disable-banner', '--disable-ansi-colors'];
  const args = [
    '-cp',
    classPath,
    ...console,
    '--details',
    'verbose',
    '--scan-class-path',
    jarsOf(classPath),
    '-n',
    only,
  ];
  const output = await outputOf('java', args, { [controlVariable]: instances.url });
  const count = (what: string) => Number(new RegExp(`\\[ *(\\d+) tests ${what} *\\]`).exec(output)?.[1] ?? 0);
  const failed = [...output.matchAll(/^ *(?:JUnit Jupiter:)(\S.*)$/gm)].map(([, name]) => name!);
  return { passed: count('successful'), skipped: count('skipped'), failed, output };
};

/** Those that hold the tests. */
function jarsOf(classPath: string): string {
  const directory = classPath.split(':')[1]!.replace(/\*$/, '');
  return ['recipes', 'framework'].map((name) => `${directory}curator-${name}-5.9.0-tests.jar`).join(':');
}

export const SUITES: Readonly<Record<string, Suite>> = { kazoo, go, curator };

async function outputOf(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { stderr = true }: { stderr?: boolean } = {},
): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let output = '';
  const take = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr) take(chunk);
  });
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  return output;
}
