/**
 * `npm run image`: builds the image and hands it to a cluster. The last line of its output is the image's name.
 *
 *   npm run image -- --with docker --load kind
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { clusterKit, kitEnvironment } from './kit.ts';

const projectDir = resolve(import.meta.dirname, '../..');

const help = `Builds the image of all programs. The last line of the output is its name.

Usage: npm run image -- [flags]

  --name <name>    repository (default faaskeeper.local/faaskeeper)
  --tag <tag>      default: a hash of what it is built from, so that each change is a tag of its own
  --with <tool>    docker, podman, buildah, or kit: the scripts of $FAASKEEPER_CLUSTER_KIT, or of shared/cluster beside
                   the checkout (default: kit where it is, else docker)
  --load <where>   kind, k3d, minikube, push, or none (default none; the kit loads into its own cluster)
  --cluster <name> of kind, k3d or minikube (default theirs)
`;

/** What the Dockerfile copies. */
const SOURCES = ['Dockerfile', '.dockerignore', 'package.json', 'package-lock.json', 'client', 'functions', 'operator'];

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const nested = entries
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist')
    .map((entry) => (entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)]));
  return (await Promise.all(nested)).flat();
}

/** 12 hexadecimal characters that differ when anything that goes into the image does. */
export async function sourceHash(): Promise<string> {
  const files = await Promise.all(
    SOURCES.map((name) =>
      name.includes('.') || name === 'Dockerfile' ? [join(projectDir, name)] : filesBelow(join(projectDir, name)),
    ),
  );
  const hash = createHash('sha256');
  for (const file of files.flat().sort()) {
    hash
      .update(`${relative(projectDir, file)}\0`)
      .update(await readFile(file))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

function run(command: string, ...args: readonly string[]): void {
  console.error(`> ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, {
    cwd: projectDir,
    stdio: ['ignore', 2, 2],
    env: kitEnvironment(),
  });
  if (error) throw new Error(`${command} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
}

function build(tool: string, image: string): void {
  if (tool === 'kit') {
    const kit = clusterKit();
    if (kit === undefined) throw new Error('There is no kit: set FAASKEEPER_CLUSTER_KIT, or use --with docker');
    run(join(kit, 'images/dockerfile-build'), projectDir, '-t', image);
  } else if (tool === 'docker' || tool === 'podman') run(tool, 'build', '-t', image, projectDir);
  else if (tool === 'buildah') run(tool, 'bud', '--layers', '-t', image, projectDir);
  else throw new Error(`--with ${tool}: it is docker, podman, buildah or kit`);
}

function load(where: string, tool: string, image: string, cluster: string | undefined): void {
  const named = (flag: string) => (cluster === undefined ? [] : [flag, cluster]);
  if (where === 'kind') run('kind', 'load', 'docker-image', image, ...named('--name'));
  else if (where === 'k3d') run('k3d', 'image', 'import', image, ...named('--cluster'));
  else if (where === 'minikube') run('minikube', 'image', 'load', image, ...named('--profile'));
  else if (where === 'push') run(tool, 'push', image);
  else if (where !== 'none') throw new Error(`--load ${where}: it is kind, k3d, minikube, push or none`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      name: { type: 'string', default: 'faaskeeper.local/faaskeeper' },
      tag: { type: 'string' },
      with: { type: 'string', default: clusterKit() === undefined ? 'docker' : 'kit' },
      load: { type: 'string', default: 'none' },
      cluster: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const image = `${values.name}:${values.tag ?? (await sourceHash())}`;
  build(values.with, image);
  load(values.load, values.with, image, values.cluster);
  console.log(image);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
