/**
 * `npm run test:e2e`: proves on a real cluster what docs/kubernetes.md says, as a user would see it. The cluster is that
 * of $KUBECONFIG, with Knative Serving in it; where that is unset, the cluster kit's.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { findHelm, Helm } from '../../operator/helm/index.ts';
import { findKubectl, Kubectl } from '../../operator/kubectl/index.ts';
import { buildImage, kubeconfig } from './cluster.ts';
import { table, writeTable } from './report.ts';
import { type Figure, RUN_VARIABLE, type Run } from './support/run.ts';

const projectDir = resolve(import.meta.dirname, '../..');

const help = `Proofs on a real cluster, and figures.

Usage: npm run test:e2e -- [flags] [number of a proof …]

  --installed           use the release that is there, and leave it there
  --keep                leave what was installed
  --namespace <name>    of the release (default faaskeeper-system)
  --release <name>      default faaskeeper
  --set <json>          further values of the chart
  --instances <n>       of the density proof (default 200)
  --figures <file>      where the figures go as JSON (default dist/e2e.json)
  --write               puts the figures into docs/kubernetes.md

Environment: KUBECONFIG, FAASKEEPER_E2E_IMAGE (an image that the cluster has or can pull; default: built with the
cluster kit), FAASKEEPER_CLUSTER_KIT, FAASKEEPER_KUBECTL, FAASKEEPER_HELM.
`;

/** Functions go 10 s after their last event, so that the proofs need not wait for a minute each time; kazoo asks `ruok`. */
const VALUES = { functions: { window: '10s' }, gateway: { fourLetterWords: 'srvr,ruok' } } as const;

const say = (line: string) => console.log(`> ${line}`);

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      installed: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      namespace: { type: 'string', default: 'faaskeeper-system' },
      release: { type: 'string', default: 'faaskeeper' },
      set: { type: 'string', default: '{}' },
      instances: { type: 'string', default: '200' },
      figures: { type: 'string', default: join(projectDir, 'dist/e2e.json') },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return { ...values, proofs: positionals };
}

type Options = ReturnType<typeof options>;

interface Values {
  readonly image?: { readonly repository: string; readonly tag: string };
}

/** Installs the chart, or takes the release that is there: its image is what the pods of the proofs run, too. */
async function release(helm: Helm, wanted: Options): Promise<Pick<Run, 'image' | 'values' | 'own'>> {
  const { namespace, release: name } = wanted;
  const found = (await helm.list()).find((one) => one.chart.startsWith('faaskeeper-'));
  if (wanted.installed) {
    if (found === undefined)
      throw new Error('There is no release of FaaSKeeper in this cluster: leave out --installed');
    const values = (await helm.values(name, { namespace })) as Values;
    const { repository, tag } = values.image ?? { repository: 'ghcr.io/faaskeeper/faaskeeper', tag: '0.1.0' };
    return { image: `${repository}:${tag}`, values: values as Run['values'], own: false };
  }
  if (found !== undefined) {
    throw new Error(
      `${found.namespace}/${found.name} is installed in this cluster: uninstall it, or use it with --installed`,
    );
  }
  const image = buildImage(projectDir, say);
  const colon = image.lastIndexOf(':');
  const values = {
    ...VALUES,
    image: { repository: image.slice(0, colon), tag: image.slice(colon + 1) },
    ...(JSON.parse(wanted.set) as object),
  };
  say(`installing the chart in ${namespace} with ${image}`);
  const begun = performance.now();
  await helm.install(name, join(projectDir, 'charts/faaskeeper'), {
    namespace,
    values,
    flags: ['--wait', '--timeout', '5m'],
  });
  say(`installed after ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
  return { image, values, own: true };
}

async function bundleAgent(outfile: string): Promise<void> {
  await build({
    absWorkingDir: projectDir,
    entryPoints: ['test/e2e/agent/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    conditions: ['source'],
    format: 'esm',
    target: 'node24',
    minify: true,
    logLevel: 'silent',
    banner: {
      js: `import{createRequire as agentRequire}from'node:module';const require=agentRequire(import.meta.url);`,
    },
  });
}

function jest(proofs: readonly string[], told: Run, instances: string): boolean {
  const pattern = proofs.length === 0 ? [] : ['--testPathPatterns', `e2e/(${proofs.join('|')})[^/]*\\.test`];
  const { status } = spawnSync(
    process.execPath,
    [
      '--conditions=source',
      join(projectDir, 'node_modules/jest/bin/jest.js'),
      ...['--config', join(import.meta.dirname, 'jest.config.mjs'), '--runInBand', '--forceExit'],
      ...pattern,
    ],
    {
      cwd: projectDir,
      stdio: 'inherit',
      env: {
        ...process.env,
        KUBECONFIG: told.kubeconfig,
        [RUN_VARIABLE]: JSON.stringify(told),
        FAASKEEPER_E2E_INSTANCES: instances,
      },
    },
  );
  return status === 0;
}

/** Namespaces of this run that a failed proof left, and the release. */
async function cleanUp(cli: Kubectl, helm: Helm, told: Run): Promise<void> {
  const { items } = await cli.json<{ items: { metadata: { name: string } }[] }>(['get', 'namespaces']);
  const left = items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith(`${told.prefix}-`));
  for (const name of left) {
    say(`removing what a proof left: namespace ${name}`);
    const all = ['--all', '--namespace', name, '--timeout=120s'];
    await cli.run(['delete', 'faaskeepers.faaskeeper.io', ...all]).catch((error: Error) => say(error.message));
    await cli.run(['delete', 'namespace', name, '--wait=false']).catch((error: Error) => say(error.message));
  }
  if (!told.own) return;
  if ((await helm.list()).some((one) => one.name === told.release)) {
    say('uninstalling');
    await helm.uninstall(told.release, { namespace: told.namespace });
  }
  // A pod of a function may take ten minutes to go, and Kubernetes looks at its namespace again after half of that.
  const now = ['--all', '--grace-period=0', '--force', '--ignore-not-found'];
  await cli.run(['delete', 'pods', '--namespace', told.namespace, ...now]);
  // What an uninstall keeps: credentials, volumes, the CRD.
  await cli.run(['delete', 'namespace', told.namespace, '--ignore-not-found', '--timeout=180s']);
  await cli.run(['delete', 'crd', 'faaskeepers.faaskeeper.io', '--ignore-not-found']);
}

function figuresIn(file: string): readonly Figure[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Figure);
}

async function main(): Promise<void> {
  const wanted = options();
  if (wanted.help) {
    process.stdout.write(help);
    return;
  }
  const file = kubeconfig(say);
  process.env.KUBECONFIG = file;
  const [helmProgram, kubectlProgram] = [findHelm(), findKubectl()];
  if (helmProgram === undefined || kubectlProgram === undefined) {
    throw new Error(
      'helm and kubectl must be on PATH: https://helm.sh/docs/intro/install, https://kubernetes.io/docs/tasks/tools/',
    );
  }
  const helm = new Helm(helmProgram);
  const directory = await mkdtemp(join(tmpdir(), 'faaskeeper-e2e-'));
  const { namespace, release: name } = wanted;
  const told: Run = {
    kubeconfig: file,
    namespace,
    release: name,
    ...(await release(helm, wanted)),
    figuresFile: join(directory, 'figures'),
    agent: join(directory, 'agent.mjs'),
    prefix: `fk-e2e-${randomBytes(3).toString('hex')}`,
  };
  try {
    await bundleAgent(told.agent);
    if (!jest(wanted.proofs, told, wanted.instances)) process.exitCode = 1;
    const figures = figuresIn(told.figuresFile);
    mkdirSync(dirname(resolve(wanted.figures)), { recursive: true });
    writeFileSync(wanted.figures, `${JSON.stringify(figures, null, 2)}\n`);
    console.log(`\n${table(figures)}\nThe figures are in ${wanted.figures}.`);
    if (wanted.write) writeTable(join(projectDir, 'docs/kubernetes.md'), figures);
  } finally {
    if (!wanted.keep) await cleanUp(new Kubectl(kubectlProgram), helm, told);
    await rm(directory, { recursive: true, force: true });
  }
}

await main();
