/** The kubectl program, and an instance in a cluster as if it were on this machine. */
export { bindingOf, forwardBinding, type LocalBinding } from './binding.ts';
export { findKubectl } from './find.ts';
export { type Forward, type ForwardTarget, forward } from './forward.ts';
export { Kubectl, KubectlError } from './kubectl.ts';
