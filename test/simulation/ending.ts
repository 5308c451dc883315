import { decode, type NodeMeta, OPEN_ACL_UNSAFE } from '@faaskeeper/protocol';
import { at } from '../../functions/core/tables.ts';
import { make, SimClient } from './client.ts';
import type { Found, History } from './history.ts';
import { judge } from './judge/index.ts';
import type { Scheduler } from './scheduler.ts';
import type { Surroundings } from './surroundings.ts';

/** Until everything that was asked for is answered and every dead session has ended, and to read it all, ms. */
const SETTLE_MS = 120_000;
const READ_MS = 60_000;
/** How often an instance is used that is in use, ms. */
const USE_MS = 2_000;
/** A watermark that was lost last is made good by the next beat, which every session has within this time, ms. */
const BEAT_MS = 5_000;
/** More events than any history needs: it runs in a circle. */
export const MAX_STEPS = 2_000_000;

/** A world whose history is over. */
export interface Ended {
  readonly scheduler: Scheduler;
  readonly surroundings: Surroundings;
  readonly history: History;
  readonly clients: SimClient[];
}

/** Lets everything come to rest, reads all that there is, and judges what has happened. Returns what is wrong. */
export async function endAndJudge(world: Ended): Promise<string[]> {
  const { scheduler, surroundings, history } = world;
  const problems: string[] = [];
  keepInUse(world);
  const limits = { until: scheduler.now + SETTLE_MS, steps: MAX_STEPS };
  const settled = await scheduler.run(() => unsettled(world) === undefined, limits);
  if (settled !== 'done') problems.push(`It does not settle: ${unsettled(world)}`);
  await scheduler.run(() => false, { until: scheduler.now + BEAT_MS, steps: MAX_STEPS });
  const final = settled === 'done' ? await readAll(world, problems) : undefined;
  return [...problems, ...judge(surroundings, history, { final })];
}

/** A store that was wiped or rolled back behind a warm writer is noticed by the next request only: there is one. */
function keepInUse(world: Ended): void {
  const { scheduler, surroundings, history } = world;
  const client = SimClient.open(surroundings, history, { name: 'user', timeout: 10_000, cache: false });
  world.clients.push(client);
  const use = () => {
    if (client.over) return;
    if (client.ready && client.outstanding === 0)
      client.do({ kind: 'write', operation: { type: 'sync', path: '/any' } });
    scheduler.after(USE_MS, 'use', use);
  };
  use();
}

/** What is still to happen; undefined: everything is answered, dead sessions have ended, all is applied. */
function unsettled({ clients, surroundings }: Ended): string | undefined {
  for (const client of clients) {
    if (client.over) continue;
    if (client.process.paused) return `${client.process.name} stands still`;
    if (client.record.state !== 'connected') return `${client.process.name} is ${client.record.state}`;
  }
  const { store, log } = surroundings;
  if (store.state?.applied !== log.last) return `applied is ${store.state?.applied}, LOG ends at ${log.last}`;
  const wanted = new Set(clients.filter(({ over }) => !over).map(({ record }) => record.id));
  for (const [id, value] of store.group('session', '')) {
    const isLiving = (decode(value, 'session') as { ended: number }).ended === 0;
    if (isLiving && !wanted.has(Number(id))) return `session ${id} has not ended`;
  }
  for (const path of store.group('timed', '').keys()) if (isDue(store, path)) return `${path} is not swept`;
  const waiting = clients.find((client) => !client.over && client.outstanding > 0);
  return waiting === undefined ? undefined : `${waiting.process.name} waits for ${waiting.outstanding} answers`;
}

/** A container that had children, or a TTL node: every TTL is shorter than the time that is left. */
function isDue(store: Surroundings['store'], path: string): boolean {
  const value = store.value(at.node(path));
  const meta = value === null ? null : (decode(value, 'node') as NodeMeta);
  return meta !== null && meta.numChildren === 0 && (meta.kind === 'ttl' || meta.created > 0);
}

/** A new client reads every node that there is. */
async function readAll(world: Ended, problems: string[]): Promise<ReadonlyMap<string, Found> | undefined> {
  const { scheduler, surroundings, history } = world;
  const limits = { until: scheduler.now + READ_MS, steps: MAX_STEPS };
  const client = SimClient.open(surroundings, history, { name: 'reader', timeout: 10_000, cache: false });
  world.clients.push(client);
  if ((await scheduler.run(() => client.ready, limits)) !== 'done') {
    problems.push('At the end no session can be opened');
    return undefined;
  }
  const final = new Map<string, Found>();
  const queue = ['/'];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const data = client.do({ kind: 'read', what: 'getData', path, watch: false });
    const children = client.do({ kind: 'read', what: 'getChildren', path, watch: false });
    const done = () => data.returned !== undefined && children.returned !== undefined;
    if ((await scheduler.run(done, limits)) !== 'done') {
      problems.push(`At the end ${path} cannot be read`);
      return undefined;
    }
    if (data.found?.denied === true || children.found?.denied === true) {
      // To be seen, and what is below.
      const shown = client.do({ kind: 'write', operation: make.setACL(path, OPEN_ACL_UNSAFE) });
      await scheduler.run(() => shown.returned !== undefined, limits);
      queue.unshift(path);
      continue;
    }
    if (data.found?.stat == null || children.found?.children === undefined) continue;
    final.set(path, { ...data.found, children: children.found.children });
    for (const name of children.found.children) queue.push(path === '/' ? `/${name}` : `${path}/${name}`);
  }
  // The reader's own session is to be applied as well.
  await scheduler.run(() => surroundings.store.state?.applied === surroundings.log.last, limits);
  return final;
}
