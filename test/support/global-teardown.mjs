import { rm } from 'node:fs/promises';

/** Stops the run's servers and removes their data. */
export default async function globalTeardown() {
  const run = globalThis.faaskeeperTestRun;
  if (run === undefined) return;
  await Promise.all(run.running.map((server) => server.stop()));
  await rm(run.dir, { recursive: true, force: true });
}
