import { existsSync } from 'node:fs';
import { run } from './run.ts';
import type { Installer } from './types.ts';
import { which } from './which.ts';

/** Another one that installs something (unattended upgrades) is waited for, s. */
const LOCK_SECONDS = 300;

/** Installs a Debian package. Its own service is not left running: FaaSKeeper starts its servers itself. */
export const aptInstaller: Installer = {
  name: 'apt-get',
  async available(wanted) {
    return wanted.apt !== undefined && process.getuid?.() === 0 && (await which('apt-get')) !== undefined;
  },
  async install(wanted, { onProgress, signal }) {
    const name = wanted.apt;
    if (name === undefined) throw new Error(`${wanted.title} has no Debian package`);
    // RUNLEVEL=1 keeps SysV init from starting the service when the package is configured.
    const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    onProgress(`installing ${wanted.title} (apt-get install ${name})`);
    const patient = ['-q', '-o', `DPkg::Lock::Timeout=${LOCK_SECONDS}`];
    // For the lists' own lock apt-get does not wait: whoever holds it is renewing them.
    const stale = await run('apt-get', ['update', ...patient], { env, signal }).catch((error: unknown) => error);
    try {
      await run('apt-get', ['install', '-y', '--no-install-recommends', ...patient, name], { env, signal });
    } catch (cause) {
      throw stale instanceof Error ? new AggregateError([stale, cause], `${name} could not be installed`) : cause;
    }
    if (existsSync('/run/systemd/system')) {
      await run('systemctl', ['disable', '--now', name], { signal }).catch(() => undefined);
    }
    const program = await which(wanted.program);
    if (program === undefined) throw new Error(`apt-get installed ${name}, but ${wanted.program} is not on PATH`);
    return program;
  },
};
