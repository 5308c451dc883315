import { createServer } from 'node:net';
import { probeNats, probeRedis, probeS3, ServerError, startRedis, waitFor } from 'faaskeeper/servers';
import { privateServers, servers } from '../../support/servers.ts';

test('the servers of the run answer with the credentials given', async () => {
  const { natsUrl, natsUser, natsPassword, redisUrl, s3 } = servers();
  const nats = new URL(natsUrl);
  const redis = new URL(redisUrl);
  await probeNats(nats.hostname, Number(nats.port), natsUser, natsPassword);
  await probeRedis(redis.hostname, Number(redis.port), redis.password);
  await probeS3(s3);
});

test('servers refuse wrong credentials', async () => {
  const { natsUrl, redisUrl, s3 } = servers();
  const nats = new URL(natsUrl);
  const redis = new URL(redisUrl);
  await expect(probeNats(nats.hostname, Number(nats.port), 'system', 'wrong')).rejects.toThrow();
  await expect(probeRedis(redis.hostname, Number(redis.port), 'wrong')).rejects.toThrow('WRONGPASS');
  await expect(probeS3({ ...s3, secretAccessKey: 'wrong-wrong' })).rejects.toThrow();
});

test('a killed server says so, and restarts on its port and with its credentials', async () => {
  await using own = await privateServers();
  for (const server of [own.nats, own.redis, own.s3]) {
    const { pid, address } = server;
    const exited = new Promise((resolve) => {
      server.process.onUnexpectedExit = resolve;
    });
    server.kill('SIGKILL');
    expect(await exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(server.pid).toBeUndefined();
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(server.address).toBe(address);
  }
  await probeS3(own.s3.s3);
});

test('a stopped server leaves its port', async () => {
  const own = await privateServers({ nats: false, s3: false });
  const { host, port } = own.redis;
  await own.stop();
  await expect(probeRedis(host, port, '')).rejects.toThrow();
});

test('a taken port is an error that names the port and the flag', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const start = startRedis({ dataDir: '/nowhere', port, portFlag: '--redis-port' });
    await expect(start).rejects.toBeInstanceOf(ServerError);
    await expect(start).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    await expect(start).rejects.toThrow(new RegExp(`Port ${port} .*Redis.*--redis-port`));
  } finally {
    taken.close();
  }
});

test('waitFor gives up with the last error', async () => {
  const attempt = () => Promise.reject(new Error('not yet'));
  await expect(waitFor(attempt, { timeoutMs: 20, intervalMs: 5 })).rejects.toThrow('not yet');
});
