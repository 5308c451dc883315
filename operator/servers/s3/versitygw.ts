import { mkdir } from 'node:fs/promises';
import type { S3Program } from './types.ts';

/** versitygw over plain files; object metadata goes to a side directory, so that any file system will do. */
export const versitygw: S3Program = {
  async processOf({ host, port, dataDir, region, accessKeyId, secretAccessKey }) {
    const [objects, metadata] = [`${dataDir}/objects`, `${dataDir}/metadata`];
    await mkdir(objects, { recursive: true });
    await mkdir(metadata, { recursive: true });
    return {
      args: ['--quiet', '--port', `${host}:${port}`, '--region', region, 'posix', '--sidecar', metadata, objects],
      env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    };
  },
};
