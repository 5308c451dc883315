import { describeSeeds } from './part.ts';

describeSeeds(1);
