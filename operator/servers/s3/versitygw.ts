import { mkdir } from 'node:fs/promises';
import type { S3Program } from './types.ts';

/** versitygw over plain files, with users; object metadata goes to a side directory, so that any file system will do. */
export const versitygw: S3Program = {
  async processOf({ host, port, dataDir, region, accessKeyId, secretAccessKey }) {
    const [objects, metadata, users] = [`${dataDir}/objects`, `${dataDir}/metadata`, `${dataDir}/users`];
    for (const dir of [objects, metadata, users]) await mkdir(dir, { recursive: true, mode: 0o700 });
    return {
      args: [
        ...['--quiet', '--port', `${host}:${port}`, '--region', region, '--iam-dir', users],
        ...['posix', '--sidecar', metadata, objects],
      ],
      env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    };
  },
};
