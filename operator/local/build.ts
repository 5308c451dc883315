import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { withLock } from '../servers/index.ts';
import { projectDir } from './home.ts';
import { functionNames } from './names.ts';

export const functionsDir = join(projectDir, 'dist/functions');
const protocolDir = join(projectDir, 'client/protocol');
const objectsDir = join(projectDir, 'client/objects');
const clientDir = join(projectDir, 'client');

const shared: BuildOptions = {
  absWorkingDir: projectDir,
  bundle: true,
  platform: 'node',
  conditions: ['source'],
  sourcemap: true,
  logLevel: 'silent',
  loader: { '.lua': 'text' },
};

/** What is built, from where: `sources` newer than `outputs` make it be built again. */
interface Target {
  readonly title: string;
  readonly sources: readonly string[];
  readonly outputs: readonly string[];
  readonly builds: readonly BuildOptions[];
}

/** Packages written in CommonJS call require, which an ES module has not. */
const requireBanner = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);`;

/**
 * Programs take Node's own modules by require: an import of one reads all its exports at once, and those of node:http
 * load Node's undici, which takes a fifth of a function's start.
 */
const builtinsByRequire: Plugin = {
  name: 'builtins-by-require',
  setup(bundle) {
    bundle.onResolve({ filter: /^(node:)?[a-z_/0-9]+$/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      return kind === 'import-statement' && builtinModules.includes(name) ? { path: name, namespace: 'builtin' } : null;
    });
    bundle.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require('node:${path}');`,
    }));
  },
};

/** Loaded by who needs them only, so they stay out of the programs: OpenTelemetry, and the SDK of S3. */
const apart = { tracing: 'functions/tracing/otlp.ts', 's3-sdk': 'functions/stores/s3/sdk.ts' } as const;

const loadedApart: Plugin = {
  name: 'loaded-apart',
  setup(bundle) {
    bundle.onResolve({ filter: /\/(otlp|sdk)\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return null;
      const [name] = Object.entries(apart).find(([, file]) => join(projectDir, file) === join(resolveDir, path)) ?? [];
      return name === undefined ? null : { path: `./${name}.mjs`, external: true };
    });
  },
};

/** undici is more than a client: what it has for fetch, WebSocket and caches takes a sixth of a function's start. */
const undiciAgent: Plugin = {
  name: 'undici-agent',
  setup(bundle) {
    const namespace = 'undici-agent';
    bundle.onResolve({ filter: /^undici$/ }, ({ path, resolveDir }) => ({ path, namespace, pluginData: resolveDir }));
    bundle.onLoad({ filter: /.*/, namespace }, ({ pluginData }) => ({
      contents: `exports.Agent = require('undici/lib/dispatcher/agent.js');`,
      resolveDir: pluginData,
    }));
  },
};

const functions: Target = {
  title: 'functions',
  sources: ['functions', 'client/protocol', 'client/objects', 'package-lock.json'].map((path) =>
    join(projectDir, path),
  ),
  outputs: [...functionNames, ...Object.keys(apart)].map((name) => join(functionsDir, `${name}.mjs`)),
  builds: [
    {
      ...shared,
      entryPoints: {
        ...Object.fromEntries(functionNames.map((name) => [name, `functions/${name}/main.ts`])),
        ...apart,
      },
      outdir: functionsDir,
      outExtension: { '.js': '.mjs' },
      format: 'esm',
      target: 'node24',
      banner: { js: requireBanner },
      plugins: [undiciAgent, builtinsByRequire, loadedApart],
      // Less to read at start; names stay, so that a stack can be read.
      minifyWhitespace: true,
      minifySyntax: true,
      // It looks for an addon that no bundle has.
      define: { 'process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED': '"true"' },
    },
  ],
};

export const gatewayDir = join(projectDir, 'dist/gateway');

const gateway: Target = {
  title: 'gateway',
  sources: [clientDir, join(projectDir, 'package-lock.json')],
  outputs: [join(gatewayDir, 'gateway.mjs')],
  builds: [
    {
      ...shared,
      entryPoints: { gateway: 'client/gateway/main.ts' },
      outdir: gatewayDir,
      outExtension: { '.js': '.mjs' },
      format: 'esm',
      target: 'node24',
      banner: { js: requireBanner },
      plugins: [builtinsByRequire],
    },
  ],
};

export const operatorDir = join(projectDir, 'dist/operator');

const operator: Target = {
  title: 'operator',
  sources: ['operator', 'functions', 'client', 'package-lock.json'].map((path) => join(projectDir, path)),
  outputs: [join(operatorDir, 'operator.mjs')],
  builds: [
    {
      ...shared,
      entryPoints: { operator: 'operator/main.ts' },
      outdir: operatorDir,
      outExtension: { '.js': '.mjs' },
      format: 'esm',
      target: 'node24',
      banner: { js: requireBanner },
      plugins: [builtinsByRequire],
    },
  ],
};

/** A library: both module systems, everything from other packages left to the importer. */
function library(directory: string, entries: Record<string, string>): BuildOptions[] {
  const common: BuildOptions = {
    ...shared,
    entryPoints: entries,
    outdir: join(directory, 'dist'),
    packages: 'external',
    target: 'node20',
  };
  const { index } = entries;
  return [
    { ...common, format: 'esm', splitting: true },
    { ...common, entryPoints: { index: index as string }, format: 'cjs', outExtension: { '.js': '.cjs' } },
  ];
}

const client: Target = {
  title: 'client',
  sources: [clientDir, join(projectDir, 'package-lock.json')],
  outputs: [protocolDir, objectsDir, clientDir].flatMap((directory) =>
    ['index.js', 'index.cjs'].map((name) => join(directory, 'dist', name)),
  ),
  builds: [
    ...library(protocolDir, { index: 'client/protocol/index.ts' }),
    ...library(objectsDir, { index: 'client/objects/index.ts' }),
    ...library(clientDir, { index: 'client/index.ts', shell: 'client/shell/index.ts' }),
  ],
};

/** Builds the programs of the functions if they are older than their sources; true if there was something to do. */
export function buildFunctions(options: { readonly force?: boolean } = {}): Promise<boolean> {
  return buildTarget(functions, options.force ?? false);
}

/** Builds the program of the gateway if it is older than its sources. */
export function buildGateway(options: { readonly force?: boolean } = {}): Promise<boolean> {
  return buildTarget(gateway, options.force ?? false);
}

/** Builds all programs that an image holds, and says where they are. */
export async function buildPrograms(): Promise<readonly string[]> {
  const programs = [functions, gateway, operator];
  await Promise.all(programs.map((target) => buildTarget(target, true)));
  return programs.flatMap(({ outputs }) => outputs);
}

/** Builds the client library and its shell if they are older than their sources. */
export function buildClient(options: { readonly force?: boolean } = {}): Promise<boolean> {
  return buildTarget(client, options.force ?? false);
}

async function buildTarget(target: Target, force: boolean): Promise<boolean> {
  return withLock(join(projectDir, 'dist', `.${target.title}.lock`), {}, async () => {
    if (!force && (await isUpToDate(target))) return false;
    for (const options of target.builds) await build(options);
    return true;
  });
}

async function isUpToDate({ sources, outputs }: Target): Promise<boolean> {
  if (!outputs.every((path) => existsSync(path))) return false;
  const built = await Promise.all(outputs.map(async (path) => (await stat(path)).mtimeMs));
  const changed = await Promise.all(sources.map(newest));
  return Math.max(...changed) < Math.min(...built);
}

/** The time of the newest file below `path`, without what is built or installed. */
async function newest(path: string): Promise<number> {
  const entry = await stat(path);
  if (!entry.isDirectory()) return entry.mtimeMs;
  let time = 0;
  for (const child of await readdir(path)) {
    if (child === 'node_modules' || child === 'dist') continue;
    time = Math.max(time, await newest(join(path, child)));
  }
  return time;
}
