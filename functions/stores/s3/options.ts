export interface S3Options {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined;
}

/** Bounds of the connections; times are ms. */
export const S3_BOUNDS = { sockets: 64, connectMs: 2_000, requestMs: 15_000 } as const;
