/** Credentials: those of the system, made once, and those of each instance's clients, which end and are renewed. */
export {
  type CredentialIssuer,
  clientRights,
  credentialIssuer,
  type IssuedCredentials,
  type IssuedFor,
  type IssuerOptions,
  type NatsIssued,
  type S3Issued,
} from './issuer.ts';
export { type BundledServer, CredentialsError, type CredentialsNeeds, makeCredentials } from './make.ts';
export { type RedisIssued, RedisUsers } from './redis-users.ts';
export { ensureCredentials, kubernetesSecret, runCredentials, type SecretStore, type StoredSecret } from './secret.ts';
export { type Environment, type IssuerSettings, issuerSettings, type S3CredentialsMode } from './settings.ts';
