import { describeSeeds } from './part.ts';

describeSeeds(3);
