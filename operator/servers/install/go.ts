import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';
import type { Installer } from './types.ts';
import { whichGo } from './which.ts';

const reportEveryMs = 15_000;

/** Builds the pinned module with `go install`, saying now and then how far it is. */
export const goInstaller: Installer = {
  name: 'go install',
  async available(wanted) {
    return wanted.go !== undefined && (await whichGo()) !== undefined;
  },
  async install(wanted, { into, onProgress, signal }) {
    const go = await whichGo();
    if (wanted.go === undefined || go === undefined) throw new Error('go is not available');
    const { module, version, minutes } = wanted.go;
    onProgress(`building ${wanted.title} ${version} (go install; about ${minutes} minutes, once)`);
    const begun = performance.now();
    let packages = 0;
    let reportedAt = begun;
    await run(go, ['install', '-v', `${module}@${version}`], {
      env: { GOBIN: into },
      signal,
      onLine(line) {
        if (!line.startsWith('go: ')) packages += 1;
        if (performance.now() - reportedAt < reportEveryMs) return;
        reportedAt = performance.now();
        const seconds = Math.round((reportedAt - begun) / 1000);
        onProgress(`building ${wanted.title}: ${packages} packages after ${seconds} s`);
      },
    });
    const [built] = await readdir(into);
    if (built === undefined) throw new Error(`go install of ${module} left no program`);
    return join(into, built);
  },
};
