/** Helm: the one place that uses the program and its library. */
export { findHelm } from './find.ts';
export { Helm, HelmError, type HelmOptions, type HelmRelease, type Values } from './helm.ts';
