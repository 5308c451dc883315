/**
 * Stands in for ZooKeeper's `zkServer.sh start-foreground CONFIGURATION`: forwards the configured clientPort to a gateway.
 * The servers of one cluster (whose configurations are beside each other) reach the same instance.
 */
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import { controlVariable } from './instances.ts';

const configuration = resolve(process.argv.at(-1)!);
const port = Number(/^clientPort=(\d+)/m.exec(readFileSync(configuration, 'utf8'))?.[1]);
const cluster = encodeURIComponent(dirname(dirname(configuration)));
const answer = await fetch(`${process.env[controlVariable]}/${cluster}`);
const address = await answer.text();
if (!answer.ok) throw new Error(address);
const [host, gatewayPort] = address.split(':') as [string, string];

createServer((client) => {
  const gateway = connect({ host, port: Number(gatewayPort) });
  client.pipe(gateway).pipe(client);
  client.on('error', () => gateway.destroy()).on('close', () => gateway.destroy());
  gateway.on('error', () => client.destroy()).on('close', () => client.destroy());
}).listen(port, '127.0.0.1');
