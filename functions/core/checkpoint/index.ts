/** Checkpoints: the applied state in user storage, exact at a LOG sequence; they bound LOG and rebuild Redis. */
export { Checkpointer, type Lane } from './checkpointer.ts';
export { Fold } from './fold.ts';
export { Hold } from './hold.ts';
export { lookAtManifest, type Manifest, NO_CHECKPOINT, type Part, putManifest, readManifest } from './manifest.ts';
export { contentOf, rebuildSystemStore, withCheckpoint } from './rebuild.ts';
export { type Keyed, type PartKeys, readParts, writeParts } from './runs.ts';
