/** The cluster that the proofs run on, and the image in it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { clusterKit, kitEnvironment } from '../../operator/images/kit.ts';

const KUBECONFIG_LINE = /KUBECONFIG=(\S+)/;

/** $KUBECONFIG, or the cluster of the kit: it is started where it does not run. */
export function kubeconfig(say: (line: string) => void): string {
  const given = process.env.KUBECONFIG;
  if (given) return given;
  const kit = clusterKit();
  if (kit === undefined) {
    throw new Error('Which cluster? Set KUBECONFIG (kind: kind get kubeconfig > file), or FAASKEEPER_CLUSTER_KIT.');
  }
  say(`starting the cluster of ${kit}`);
  const file = KUBECONFIG_LINE.exec(output(join(kit, 'up')))?.[1]?.replaceAll(/["';]/g, '');
  if (file === undefined) throw new Error(`${kit}/up names no kubeconfig`);
  process.env.KUBECONFIG = file;
  output(join(kit, 'images/build'));
  output(join(kit, 'knative/install'));
  return file;
}

/** Builds the image from what is here, and says its name. */
export function buildImage(projectDir: string, say: (line: string) => void): string {
  const given = process.env.FAASKEEPER_E2E_IMAGE;
  if (given) return given;
  if (clusterKit() === undefined) {
    throw new Error('Which image? Build and load one (docs/kubernetes.md), and set FAASKEEPER_E2E_IMAGE to its name.');
  }
  say('building the image');
  const build = ['--conditions=source', join(projectDir, 'operator/images/build.ts')];
  const image = output(process.execPath, ...build)
    .trim()
    .split('\n')
    .at(-1);
  if (!image) throw new Error('The build of the image names none');
  return image;
}

function output(command: string, ...args: readonly string[]): string {
  const { status, stdout, error } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
    env: kitEnvironment(),
  });
  if (error) throw new Error(`${command} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stdout.slice(-2_000)}`);
  return stdout;
}
