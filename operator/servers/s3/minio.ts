import type { S3Program } from './types.ts';

/** MinIO: root credentials and settings come from the environment. */
export const minio: S3Program = {
  async processOf({ host, port, dataDir, accessKeyId, secretAccessKey }) {
    return {
      args: ['server', '--quiet', '--address', `${host}:${port}`, `${dataDir}/objects`],
      env: {
        MINIO_ROOT_USER: accessKeyId,
        MINIO_ROOT_PASSWORD: secretAccessKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
    };
  },
};
