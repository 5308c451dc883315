/** Real clients of ZooKeeper, in pinned versions, from their package managers into the cache of the servers. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCacheDir, withLock } from '../../operator/servers/index.ts';
import { run } from '../../operator/servers/install/run.ts';

export const kazooVersion = '2.11.0';

/** Python with kazoo: the interpreter of a virtual environment. */
export async function kazooPython(): Promise<string> {
  const directory = await kept('kazoo', [kazooVersion], async (into) => {
    await run('python3', ['-m', 'venv', into]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await run(join(into, 'bin/python'), [...pip, `kazoo==${kazooVersion}`]);
  });
  return join(directory, 'bin/python');
}

/** Python with kazoo, its tests and what they need. */
export async function kazooSuitePython(): Promise<string> {
  const wanted = `kazoo[test]==${kazooVersion}`;
  const directory = await kept('kazoo-suite', [wanted], async (into) => {
    await run('python3', ['-m', 'venv', into]);
    await run(join(into, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wanted]);
  });
  return join(directory, 'bin/python');
}

/** Class path with Curator, ZooKeeper's client and zkCli, and the compiled recipes. */
export async function javaClassPath(): Promise<string> {
  const sources = join(import.meta.dirname, 'curator');
  const [pom, recipes] = [join(sources, 'pom.xml'), join(sources, 'Recipes.java')];
  const directory = await kept('java', [await readFile(pom), await readFile(recipes)], async (into) => {
    await cp(pom, join(into, 'pom.xml'));
    const jars = join(into, 'jars');
    const copy = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`];
    await run('mvn', copy, { cwd: into });
    await run('javac', ['-nowarn', '-cp', join(jars, '*'), '-d', join(into, 'classes'), recipes]);
  });
  return [join(directory, 'jars/*'), join(directory, 'classes')].join(':');
}

/** Class path with Curator's own tests and, ahead of Curator's, the test server of these sources. */
export async function curatorSuiteClassPath(sources: string): Promise<string> {
  const [pom, server] = [join(sources, 'pom.xml'), join(sources, 'TestingServer.java')];
  const directory = await kept('curator-suite', [await readFile(pom), await readFile(server)], async (into) => {
    await cp(pom, join(into, 'pom.xml'));
    const jars = join(into, 'jars');
    const copy = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`];
    await run('mvn', copy, { cwd: into });
    await run('javac', ['-nowarn', '-cp', join(jars, '*'), '-d', join(into, 'classes'), server]);
  });
  return [join(directory, 'classes'), join(directory, 'jars/*')].join(':');
}

/** A Go program, by default that of clients/go. */
export async function goProgram(sources = join(import.meta.dirname, 'go'), name = 'clients'): Promise<string> {
  const names = ['go.mod', 'go.sum', 'main.go'];
  const contents = await Promise.all(names.map((file) => readFile(join(sources, file))));
  const directory = await kept('go', contents, async (into) => {
    await run('go', ['build', '-o', join(into, name), '.'], { cwd: sources });
  });
  return join(directory, name);
}

/** A directory of the cache that is made once for these contents. */
async function kept(
  name: string,
  contents: readonly (string | Buffer)[],
  make: (into: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(content);
  const clients = join(defaultCacheDir(), 'clients');
  const directory = join(clients, `${name}-${hash.digest('hex').slice(0, 12)}`);
  await mkdir(clients, { recursive: true });
  return withLock(join(clients, `.${name}.lock`), {}, async () => {
    const there = await stat(join(directory, doneName)).catch(() => undefined);
    if (there !== undefined) return directory;
    await rm(directory, { recursive: true, force: true });
    // Python's virtual environments cannot be moved: what is made stays where it is made, and is marked when it is done.
    await mkdir(directory);
    await make(directory);
    await writeFile(join(directory, doneName), '');
    return directory;
  });
}

const doneName = '.done';
