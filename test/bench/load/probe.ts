/**
 * Loaded into a gateway (`node --import`), for the bench only: tells how much memory it holds after a garbage collection,
 * to whoever connects to the socket that FAASKEEPER_BENCH_PROBE names.
 */
import { createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const path = process.env.FAASKEEPER_BENCH_PROBE;
if (path !== undefined) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: object) => void;
  createServer((socket) => {
    // What is free goes back to the operating system as well.
    for (let i = 0; i < 2; i++) collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    socket.end(JSON.stringify(process.memoryUsage()));
  })
    .listen(path)
    .unref();
}
