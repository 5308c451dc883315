export interface S3Place {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** How one S3 server is run. */
export interface S3Program {
  processOf(place: S3Place): Promise<{ readonly args: readonly string[]; readonly env: Record<string, string> }>;
}
