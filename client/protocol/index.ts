/** The vocabulary that client and functions share. */
export * from './acl.ts';
export * from './auth.ts';
export * from './encoding.ts';
export * from './errors.ts';
export * from './instance.ts';
export * from './limits.ts';
export * from './messages.ts';
export * from './node-object.ts';
export * from './operations.ts';
export * from './paths.ts';
export * from './stat.ts';
export * from './subjects.ts';
export * from './user-records.ts';
export * from './x509.ts';
