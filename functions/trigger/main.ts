/** The trigger: feeds the functions from JetStream, in order, and keeps the sessions' beats. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import * as v from 'valibot';
import { Trigger } from '../core/trigger/index.ts';
import {
  type ProgramContext,
  type RunningProgram,
  readSettings,
  readStoresConfig,
  runProgram,
  STORES_HELP,
} from '../host/index.ts';
import { type OpenStores, openStores, systemRandom } from '../stores/index.ts';
import { monotonicClock } from './clock.ts';
import { HttpFunctions } from './functions.ts';
import { collectYoungBeforeOld } from './heap.ts';
import { invocationMetrics, triggerMetrics } from './metrics.ts';

const url = v.pipe(v.string(), v.url(), v.regex(/^https?:/, 'must be an http or https URL'));

const ms = v.pipe(v.string(), v.regex(/^[1-9]\d{0,9}$/, 'must be a number of ms'), v.transform(Number));

const settings = {
  FAASKEEPER_WRITER_URL: url,
  FAASKEEPER_DISTRIBUTOR_URL: url,
  FAASKEEPER_WATCH_URL: url,
  FAASKEEPER_HEARTBEAT_URL: url,
  FAASKEEPER_DIRECT: v.optional(v.picklist(['true', 'false']), 'true'),
  FAASKEEPER_TRIGGER_ID: v.optional(v.string()),
  FAASKEEPER_LANE_REST_MS: v.optional(ms),
  FAASKEEPER_HIBERNATE_AFTER_MS: v.optional(v.union([v.pipe(v.literal('0'), v.transform(Number)), ms])),
} as const;

collectYoungBeforeOld();
await runProgram({
  name: 'trigger',
  summary: 'takes ordered batches from JetStream and posts them to the functions',
  help: [
    ['FAASKEEPER_WRITER_URL', 'where the writer takes its events (required)'],
    ['FAASKEEPER_DISTRIBUTOR_URL', 'where the distributor does (required)'],
    ['FAASKEEPER_WATCH_URL', 'where the watch function does (required)'],
    ['FAASKEEPER_HEARTBEAT_URL', 'where the heartbeat function does (required)'],
    [
      'FAASKEEPER_DIRECT',
      'false: events of a warm revision, too, go through the ingress of Knative (default true; elsewhere without effect)',
    ],
    [
      'FAASKEEPER_TRIGGER_ID',
      'name among its replicas; one that stays takes its lanes back at once (default from host and port)',
    ],
    ['FAASKEEPER_LANE_REST_MS', 'ms without a message after which a lane gives its consumer back (default 60000)'],
    [
      'FAASKEEPER_HIBERNATE_AFTER_MS',
      'ms without a request after which an instance keeps nothing in Redis (default 3600000; 0: never)',
    ],
    ...STORES_HELP,
  ],
  begin,
});

function begin({ config, environment, logger, metrics, tracing }: ProgramContext): RunningProgram {
  const own = readSettings(settings, environment);
  const storesConfig = readStoresConfig(environment);
  const functions = new HttpFunctions({
    urls: {
      writer: own.FAASKEEPER_WRITER_URL,
      distributor: own.FAASKEEPER_DISTRIBUTOR_URL,
      watch: own.FAASKEEPER_WATCH_URL,
      heartbeat: own.FAASKEEPER_HEARTBEAT_URL,
    },
    token: config.FAASKEEPER_FUNCTION_TOKEN,
    direct: own.FAASKEEPER_DIRECT === 'true',
    tracing,
    onSent: invocationMetrics(metrics),
  });
  const measured = triggerMetrics(metrics);
  const incidents = metrics.incidents();
  let stores: OpenStores | undefined;
  let trigger: Trigger | undefined;
  const started = (async () => {
    const open = await openStores(storesConfig, {
      name: 'trigger',
      logger,
      tracing,
      incidents,
      laneRestMs: own.FAASKEEPER_LANE_REST_MS,
    });
    stores = open;
    const serving = new Trigger({
      clock: monotonicClock,
      logger,
      holder: own.FAASKEEPER_TRIGGER_ID ?? defaultId(config),
      outside: (spec) => ({
        ...open.instance(spec),
        clock: monotonicClock,
        random: systemRandom,
        logger: logger.child({ instance: spec.id }),
        functions: functions.of(spec),
        metrics: measured,
        hibernateAfterMs: own.FAASKEEPER_HIBERNATE_AFTER_MS,
        tracing,
        incidents: incidents(spec.id),
        lane: (name) => open.lane(spec, name),
      }),
    });
    trigger = serving;
    serving.start();
    open.watchInstances((change) => {
      if (change.type === 'declared') serving.declare(change.spec);
      else serving.remove(change.id);
    });
    open.onConnection((connected) => serving.connection(connected));
  })();
  return {
    started,
    notReady: () => (trigger === undefined ? 'connecting to the stores' : undefined),
    stop: async () => trigger?.stop(),
    close: async () => {
      await functions.close();
      await stores?.close();
    },
  };
}

/** The same after a restart at the same place, so that the lanes are served again at once; never that of another. */
function defaultId({ FAASKEEPER_HOST: host, PORT: port }: ProgramContext['config']): string {
  return port === 0 ? randomBytes(8).toString('hex') : `${hostname()}/${host}:${port}`;
}
