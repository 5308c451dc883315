import type { FaaSKeeperSpec } from './spec.ts';
import type { FaaSKeeperStatus } from './status.ts';

/** What the API server fills in. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly generation: number;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The one resource that a user writes, as the API server returns it: with its defaults. */
export interface FaaSKeeper {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: FaaSKeeperSpec;
  readonly status?: FaaSKeeperStatus;
}
