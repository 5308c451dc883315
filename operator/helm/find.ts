import { findProgram } from '../images/kit.ts';

/** The helm program: $FAASKEEPER_HELM, on PATH, or that of the cluster kit. */
export const findHelm = (env?: NodeJS.ProcessEnv) => findProgram('helm', env);
