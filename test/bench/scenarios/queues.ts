import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { declareInstance, openStores, removeInstance } from '@faaskeeper/functions/stores';
import { decode, encode, subjects } from '@faaskeeper/protocol';
import { loopback } from 'faaskeeper/servers';
import { BENCH } from '../bounds.ts';
import { measureRound, within } from '../measure.ts';
import { figure, table } from '../report/format.ts';
import { cell, figureOf, rowsOf, values } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { anyOwn, type BenchContext, payload, takeTurns } from './context.ts';
import type { Experiment } from './experiment.ts';

const queueNames = { request: 'REQ', log: 'LOG' } as const;
type Queue = keyof typeof queueNames;
const sizeBytes = 1024;

/** A function that does nothing but say that it got the messages; each begins with its number. */
class Nothing {
  readonly #waiting = new Map<number, () => void>();
  readonly batches: Record<Queue, number[]> = { request: [], log: [] };
  /** Of LOG, as the trigger is told by the answers: its lane rests until it hears of messages. */
  sequence = 0;
  readonly server = createServer((request, response) => {
    void this.#answer(request).then((body) => response.end(body));
  });

  arrival(number: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(number, resolve));
  }

  async #answer(request: IncomingMessage): Promise<Uint8Array> {
    const { requests, messages } = decode(await buffer(request)) as {
      requests?: readonly { payload: Uint8Array }[];
      messages?: readonly { sequence: number; payload: Uint8Array }[];
    };
    const batch = requests ?? messages ?? [];
    if (batch.length > 0) this.batches[requests === undefined ? 'log' : 'request'].push(batch.length);
    for (const { payload: bytes } of batch) {
      const number = Buffer.from(bytes).readUInt32BE(0);
      this.#waiting.get(number)?.();
      this.#waiting.delete(number);
    }
    if (requests !== undefined) {
      return encode({ sequence: this.sequence, zxid: this.sequence, sessions: [], timed: false, registrations: [] });
    }
    return encode({ sequence: messages?.at(-1)?.sequence ?? 0, watermark: 0, checkpointDue: false });
  }
}

/** From a publication to its arrival at a function, through JetStream and the trigger. */
async function measure(context: BenchContext): Promise<void> {
  const { options, recorder } = context;
  const system = anyOwn(context);
  if (system === undefined) return;
  const nothing = new Nothing();
  nothing.server.listen(0, loopback);
  await once(nothing.server, 'listening');
  const { port } = nothing.server.address() as { port: number };
  const url = `http://${loopback}:${port}/`;
  const stores = await openStores(system.servers.stores, { name: 'faaskeeper-bench' });
  const id = `queues${Date.now().toString(36)}`;
  const functions = { writer: url, distributor: url, watch: url, heartbeat: url };
  await declareInstance(stores.nats, { id, storagePrefix: `${id}/`, functions });
  try {
    const jetstream = stores.nats.jetstream();
    const named = subjects(id);
    let number = 0;
    const carry = async (queue: Queue) => {
      const data = Buffer.from(payload(sizeBytes));
      data.writeUInt32BE(++number, 0);
      const arrived = nothing.arrival(number);
      if (queue === 'request') stores.nats.publish(named.request(1), data);
      else nothing.sequence = (await jetstream.publish(named.log, data)).seq;
      await arrived;
    };
    const queues = Object.keys(queueNames) as Queue[];
    // The trigger has taken its lanes.
    const first = carry('log');
    while (nothing.sequence === 0) await within('an append', stores.nats.flush());
    await within('the first messages', Promise.all([first, carry('request')]));
    for (const outstanding of options.quick ? BENCH.queueOutstanding.slice(0, 2) : BENCH.queueOutstanding) {
      await takeTurns(queues, options.rounds, async (queue) => {
        nothing.batches[queue] = [];
        const mostOperations = outstanding === 1 ? BENCH.queueOperations / 4 : BENCH.queueOperations * 4;
        const limits = { outstanding, mostMs: options.roundMs * 3, mostOperations };
        const round = await within(
          queueNames[queue],
          measureRound(() => carry(queue), limits),
        );
        const { name } = system;
        const what = { section: 'queues', operation: queueNames[queue], system: name } as const;
        recorder.add({ ...what, sizeBytes, outstanding }, round);
        const sizes = nothing.batches[queue];
        const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
        recorder.figure({ section: 'queues', name: batchName(queueNames[queue], outstanding), system: name }, mean);
      });
    }
  } finally {
    await removeInstance(stores.nats, id);
    await stores.close();
    nothing.server.close();
    nothing.server.closeAllConnections();
  }
}

const batchName = (queue: string, outstanding: number) =>
  `${queue}, messages of a batch with ${outstanding} on their way`;

function report(results: Results): string {
  const rows = rowsOf(results, 'queues');
  if (rows.length === 0) return '';
  const shown = rows.map((row) => {
    const [[system, measured] = []] = row.by;
    const batch = figureOf(results, 'queues', batchName(row.operation, row.outstanding), system as 'faaskeeper');
    return [
      row.operation,
      String(row.outstanding),
      ...(['p50', 'p99', 'perSecond'] as const).map((metric) => cell(values(measured, metric))),
      figure(batch),
    ];
  });
  return `### Queues

A message of 1 KiB from its publication to a function that does nothing, through JetStream and the trigger. LOG syncs
each message, which a batch of the writer does once.

${table(['queue', 'on their way', 'p50 ms', 'p99 ms', 'per second', 'messages of a batch'], shown)}`;
}

export const queues: Experiment = { parts: ['queues'], measure, report };
