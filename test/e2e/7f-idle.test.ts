/** Proof 7: lanes that rest give their streams back and are there when they are needed; traces reach a collector. */
import { type Bound, boundInstance, idOf } from './support/bound.ts';
import { namespaceOf, removeNamespace } from './support/instances.ts';
import { podsOf } from './support/pods.ts';
import { releaseWith } from './support/release.ts';
import { figure, kubectl, milliseconds, quantile, run } from './support/run.ts';
import { startServer } from './support/servers.ts';
import { until } from './support/until.ts';

/** In place of a minute, and shorter than functions stay: what a rest costs is seen by itself. */
const REST_MS = 2_000;
const ROUNDS = 5;
/** Takes what it is sent, and prints the names of the spans in it. */
const COLLECTOR = `require('node:http').createServer(async (request, response) => {
  const body = JSON.parse(Buffer.concat(await request.toArray()));
  const spans = body.resourceSpans.flatMap((one) => one.scopeSpans).flatMap((one) => one.spans);
  for (const { name } of spans) console.log(name);
  response.setHeader('content-type', 'application/json').end('{}');
}).listen(4318)`;

const undo = new AsyncDisposableStack();
let namespace: string;
let bound: Bound;

// A release that others use keeps its settings.
(run().own ? describe : describe.skip)('with lanes that rest after 2 s, and a collector of traces', () => {
  beforeAll(async () => {
    namespace = await namespaceOf('collector');
    undo.defer(() => removeNamespace(namespace));
    const command = ['node', '-e', COLLECTOR];
    await startServer({ namespace, name: 'collector', image: run().image, command, port: 4318 });
    undo.use(
      await releaseWith({
        trigger: { extraEnv: [{ name: 'FAASKEEPER_LANE_REST_MS', value: String(REST_MS) }] },
        telemetry: { otlpEndpoint: `http://collector.${namespace}.svc:4318`, sampleRatio: 1 },
      }),
    );
    bound = undo.use(await boundInstance('rests'));
    await bound.agent.ask('open', { session: 'a', timeoutMs: 40_000 });
    await bound.agent.call('a', 'create', '/n', '0');
  }, 600_000);

  afterAll(() => undo.disposeAsync(), 600_000);

  test('a lane that rests has no stream of requests and no consumer, and the next write is answered', async () => {
    const took: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      await until(async () => expect(await streamsOf(idOf(bound.resource))).toEqual({ LOG: 0 }), { timeoutMs: 60_000 });
      const args = ['/n', String(round), round - 1];
      const { ms, value } = await bound.agent.ask('call', { session: 'a', method: 'setData', args });
      expect(value).toMatchObject({ version: round });
      took.push(ms);
      await until(async () => expect(await streamsOf(idOf(bound.resource))).toMatchObject({ REQ: 1, LOG: 1 }), {
        timeoutMs: REST_MS,
        everyMs: 100,
      });
    }
    const state = await bound.agent.ask('state', { session: 'a' });
    expect(state).toMatchObject({ state: 'connected', past: [] });
    figure(7, `write to lanes that rested, p50 of ${ROUNDS}`, milliseconds(quantile(took, 0.5)));
  }, 600_000);

  test('spans of trigger and functions reach the collector', async () => {
    const wanted = [
      'request batch',
      'log batch',
      'http',
      'writer',
      'append',
      'apply',
      'distributor',
      'objects',
      'publish',
    ];
    await until(
      async () => {
        const names = await kubectl().run(['logs', 'collector-0', '--namespace', namespace]);
        expect(names.split('\n')).toEqual(expect.arrayContaining(wanted));
      },
      { timeoutMs: 60_000, everyMs: 2_000 },
    );
  });
});

/** Kind of each stream of the instance, and how many consumers it has, as the bundled server sees them. */
async function streamsOf(instance: string): Promise<Readonly<Record<string, number>>> {
  interface Jsz {
    readonly account_details?: readonly {
      readonly stream_detail?: readonly {
        readonly name: string;
        readonly state: { readonly consumer_count: number };
      }[];
    }[];
  }
  const [pod] = await podsOf('nats');
  const path = `/api/v1/namespaces/${run().namespace}/pods/${pod?.metadata.name}:8222/proxy/jsz?accounts=true&streams=true`;
  const { account_details: accounts = [] } = JSON.parse(await kubectl().run(['get', '--raw', path])) as Jsz;
  const all = accounts.flatMap(({ stream_detail = [] }) => stream_detail);
  const own = all.filter(({ name }) => name.endsWith(`_${instance}`));
  return Object.fromEntries(own.map(({ name, state }) => [name.split('_')[0], state.consumer_count]));
}
