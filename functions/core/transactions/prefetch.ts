import type { Operation, Requests } from '@faaskeeper/protocol';
import { QUOTA_ROOT } from '../tables.ts';
import type { Incoming } from './incoming.ts';
import { nodesOf } from './nodes.ts';
import { hex } from './sessions.ts';
import type { Missing } from './state.ts';
import { TOTALS_KEY } from './totals.ts';

/** What a batch surely looks at, so that a cold judgement needs few rounds of loading. May name too much or too little. */
export function foreseen(incoming: readonly Incoming[]): Missing[] {
  const found: Missing[] = [];
  if (incoming.length > 0) found.push({ table: 'total', key: TOTALS_KEY }, { table: 'node', key: QUOTA_ROOT });
  for (const message of incoming) {
    switch (message.type) {
      case 'createSession':
        found.push({ table: 'nonce', key: hex(message.nonce) });
        break;
      case 'attach':
        found.push(
          { table: 'session', key: String(message.session) },
          { table: 'progress', key: String(message.session) },
        );
        break;
      case 'requests':
        foreseeRequests(message, found);
        break;
      case 'system':
        if ('path' in message.operation) foreseeNode(message.operation.path, found);
        else found.push({ table: 'session', key: String(message.operation.session) });
        break;
      case 'poison':
        break;
    }
  }
  return found;
}

function foreseeRequests(message: Requests, found: Missing[]): void {
  const key = String(message.session);
  found.push({ table: 'session', key }, { table: 'progress', key });
  // Not validated yet: anything may be missing or of another type.
  for (const operation of message.operations as Partial<Operation>[]) {
    if (typeof operation !== 'object' || operation === null) continue;
    const list = operation.type === 'multi' && Array.isArray(operation.operations) ? operation.operations : [operation];
    for (const one of list as { type: string; path?: unknown }[]) {
      if (typeof one?.path !== 'string' || !one.path.startsWith('/')) continue;
      for (const path of nodesOf(nameOnly(one as { type: string; path: string }))) foreseeNode(path, found);
    }
  }
}

function nameOnly(operation: { type: string; path: string; mode?: unknown }): Parameters<typeof nodesOf>[0] {
  const mode = typeof operation.mode === 'string' ? operation.mode : '';
  return { ...operation, mode } as unknown as Parameters<typeof nodesOf>[0];
}

function foreseeNode(path: string, found: Missing[]): void {
  found.push({ table: 'node', key: path });
}
