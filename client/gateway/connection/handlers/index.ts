import type { OpName } from '../../jute/index.ts';
import { access } from './access.ts';
import type { Handler } from './handler.ts';
import { reads } from './reads.ts';
import { watches } from './watches.ts';
import { writes } from './writes.ts';

/** What serves each opcode. */
export const HANDLERS: Readonly<Record<OpName, Handler>> = { ...writes, ...reads, ...watches, ...access };
