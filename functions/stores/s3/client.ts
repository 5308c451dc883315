import { ObjectRequests } from '@faaskeeper/objects';
import { S3_BOUNDS, type S3Options } from './options.ts';
import type { S3Sdk } from './sdk.ts';

/**
 * Connections to a store. Requests for single objects go the short way, without the SDK. Retries are not theirs: a
 * repeated conditional PUT could be refused because of its own first attempt.
 */
export class S3Connection {
  readonly objects: ObjectRequests;
  readonly #options: S3Options;
  #sdk: Promise<S3Sdk> | undefined;

  constructor(options: S3Options) {
    this.#options = options;
    this.objects = new ObjectRequests({ ...options, ...S3_BOUNDS, keys: () => options });
  }

  /** For everything else. */
  sdk(): Promise<S3Sdk> {
    this.#sdk ??= import('./sdk.ts').then(({ S3Sdk }) => new S3Sdk(this.#options));
    return this.#sdk;
  }

  destroy(): void {
    this.objects.destroy();
    void this.#sdk?.then(({ client }) => client.destroy());
  }
}

export function connectS3(options: S3Options): S3Connection {
  return new S3Connection(options);
}
