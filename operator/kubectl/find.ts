import { findProgram } from '../images/kit.ts';

/** The kubectl program: $FAASKEEPER_KUBECTL, on PATH, or that of the cluster kit. */
export const findKubectl = (env?: NodeJS.ProcessEnv) => findProgram('kubectl', env);
