/** Checkpoints: the applied state in user storage, exact at a LOG sequence; they bound LOG and rebuild Redis. */
export { Checkpointer, type Lane } from './checkpointer.ts';
export { Fold } from './fold.ts';
export { type Manifest, NO_CHECKPOINT, readManifest } from './manifest.ts';
export { contentOf, rebuildSystemStore, withCheckpoint } from './rebuild.ts';
