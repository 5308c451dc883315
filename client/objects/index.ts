/** Signed requests for single objects of an S3 store: what readers and the distributor do most. */
export { type Answer, exchange } from './exchange.ts';
export { ObjectRequests, type ObjectRequestsOptions, ObjectStoreError } from './requests.ts';
export { type ObjectKeys, requestSigner, type SigningOptions } from './signer.ts';
