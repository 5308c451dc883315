import { mkdir, readFile } from 'node:fs/promises';
import { claimPort, freePorts } from '../ports.ts';
import { writePrivateFile } from '../secrets.ts';
import type { S3Program } from './types.ts';

/** SeaweedFS: master, volume server, filer and S3 gateway in one process, each with ports of its own. */
export const seaweedfs: S3Program = {
  async processOf({ host, port, dataDir, accessKeyId, secretAccessKey }) {
    const identity = {
      name: 'root',
      credentials: [{ accessKey: accessKeyId, secretKey: secretAccessKey }],
      actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
    };
    const configFile = `${dataDir}/s3.json`;
    await writePrivateFile(configFile, JSON.stringify({ identities: [identity] }));
    await mkdir(`${dataDir}/objects`, { recursive: true });
    const flags = ['master.port', 'master.port.grpc', 'volume.port', 'volume.port.grpc'];
    flags.push('filer.port', 'filer.port.grpc', 's3.port.grpc');
    const ports = await internalPorts(host, `${dataDir}/ports.json`, flags.length);
    return {
      args: [
        '-logtostderr=true',
        'server',
        `-dir=${dataDir}/objects`,
        `-ip=${host}`,
        `-ip.bind=${host}`,
        '-s3',
        `-s3.port=${port}`,
        `-s3.config=${configFile}`,
        '-s3.port.iceberg=0',
        '-s3.port.lance=0',
        '-master.volumeSizeLimitMB=1024',
        '-volume.max=0',
        '-volume.preStopSeconds=0',
        ...flags.map((flag, index) => `-${flag}=${ports[index]}`),
      ],
      env: {},
    };
  },
};

/** The ports of the last run where they are still free: the master knows itself by its address. */
async function internalPorts(host: string, file: string, count: number): Promise<number[]> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as number[];
    for (const port of kept) await claimPort({ title: 'SeaweedFS', host, port });
    if (kept.length === count) return kept;
  } catch {
    // First run, or somebody took one of them.
  }
  const ports = await freePorts(count, host);
  await writePrivateFile(file, JSON.stringify(ports));
  return ports;
}
