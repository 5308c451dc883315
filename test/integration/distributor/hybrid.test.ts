/** The same on Hybrid user storage, with nearly all data apart from the nodes. */
import './distribution.test.ts';
import './protection.test.ts';
import './zombies.test.ts';
import { defaults } from './instance.ts';

defaults.userStorage = { type: 'Hybrid', thresholdBytes: 4 };
