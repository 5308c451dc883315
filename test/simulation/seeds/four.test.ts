import { describeSeeds } from './part.ts';

describeSeeds(4);
