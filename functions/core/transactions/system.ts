import { type SystemOperation, toStat } from '@faaskeeper/protocol';
import type { SessionRecord } from '../log-entry.ts';
import { removeNode } from './nodes.ts';
import { type Context, Refusal, requireNode } from './rules.ts';
import { endSession, forgetSession } from './sessions.ts';
import type { Draft } from './state.ts';

/**
 * Executes what the system asks of itself. Each request names what it was decided on; if that has changed, it is void
 * (invariant 11). Returns the session that ended, if one did.
 *
 * @throws Refusal
 */
export function executeSystem(draft: Draft, operation: SystemOperation, context: Context): SessionRecord | undefined {
  switch (operation.type) {
    case 'expire': {
      const session = draft.session(operation.session);
      if (session === null || session.ended > 0) throw new Refusal('SessionExpired');
      if (session.generation !== operation.generation) throw new Refusal('SessionMoved');
      endSession(draft, session, context);
      return session;
    }
    case 'forget': {
      const session = draft.session(operation.session);
      if (session === null || session.ended === 0) throw new Refusal('BadArguments');
      forgetSession(draft, session);
      return undefined;
    }
    case 'repair': {
      requireNode(draft.node(operation.path));
      draft.effects.push({ type: 'repair', path: operation.path });
      return undefined;
    }
    case 'deleteContainer':
    case 'deleteTtl': {
      const meta = requireNode(draft.node(operation.path));
      const kind = operation.type === 'deleteTtl' ? 'ttl' : 'container';
      const unchanged =
        meta.kind === kind &&
        meta.czxid === operation.czxid &&
        toStat(meta).cversion === operation.cversion &&
        (operation.type === 'deleteContainer' || meta.mzxid === operation.mzxid);
      if (!unchanged) throw new Refusal('BadVersion');
      if (meta.numChildren > 0) throw new Refusal('NotEmpty');
      removeNode(draft, operation.path, meta, context);
      return undefined;
    }
  }
}
