/**
 * Preloaded by programs that run all the time. V8 collects garbage when memory is asked for; a program that has become
 * idle asks for none, and keeps what its last work took: a trigger two thirds of what its instances cost.
 *
 * Usage: node --import idle.mjs <program>. FAASKEEPER_IDLE_CHECK_MS: how often it looks (default 60 s).
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const checkMs = Number(process.env.FAASKEEPER_IDLE_CHECK_MS || 60_000);
/** Share of a core below which a program is idle. */
const IDLE_SHARE = 0.05;
/** A collection stops the program for some 50 to 200 ms: only for what is worth it. */
const LEAST_GROWTH_BYTES = 8 * 1024 * 1024;

let used = process.cpuUsage();
let kept = 0;
let collect;

setInterval(() => {
  const { user, system } = process.cpuUsage(used);
  used = process.cpuUsage();
  const isIdle = (user + system) / 1_000 < checkMs * IDLE_SHARE;
  if (!isIdle || taken() < kept + LEAST_GROWTH_BYTES) return;
  collect ??= collector();
  // As for want of memory: what is free goes back to the system.
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  kept = taken();
}, checkMs).unref();

function taken() {
  const { heapTotal, external } = process.memoryUsage();
  return heapTotal + external;
}

/** Not at the start: another set of flags would make V8 compile anew what the image has compiled. */
function collector() {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
