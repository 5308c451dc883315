/** Builders of the objects that an instance consists of on Kubernetes: plain data in, plain data out. */
export {
  BINDING_TYPE,
  type BindingContent,
  bindingSecret,
  dataDigest,
  type SeenSecret,
  withoutContent,
} from './binding-secret.ts';
export { dedicatedFunction } from './dedicated-function.ts';
export {
  type GatewayContent,
  gatewayPolicy,
  gatewayPortOf,
  gatewayService,
  type ServiceFamilies,
  serverNamesOf,
  ZOOKEEPER_PORT,
} from './gateway.ts';
export {
  bindingName,
  functionName,
  functionOfName,
  gatewayName,
  labelsOf,
  namespaceToken,
  ownerOf,
  retainedName,
} from './names.ts';
export { namespaceOfRecord, RETAINED_TYPE, retainedRecord } from './retained-record.ts';
