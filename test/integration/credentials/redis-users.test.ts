/** Users of Redis for instances with Hybrid user storage, on a real Redis. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis } from '@faaskeeper/functions/stores';
import { type RedisIssued, RedisUsers } from '../../../operator/credentials/index.ts';
import { type RedisServer, startRedis } from '../../../operator/servers/index.ts';
import { uniqueId } from '../../support/servers.ts';
import { eventually } from '../../support/stores.ts';

let dir: string;
let server: RedisServer;
let system: ReturnType<typeof connectRedis>;
let users: RedisUsers;
let mine: string;
let theirs: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'faaskeeper-redis-'));
  server = await startRedis({ dataDir: join(dir, 'kept') });
});
afterAll(async () => {
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(() => {
  [mine, theirs] = [uniqueId(), uniqueId()];
  system = connectRedis({ url: server.url, name: 'test' });
  users = new RedisUsers(server.url);
});
afterEach(() => {
  users.close();
  system.disconnect();
});

async function issued(id: string, before?: readonly string[], by = users): Promise<RedisIssued> {
  const made = await by.issue(id, before);
  if ('refusal' in made) throw new Error(made.refusal);
  return made;
}

/** What Redis answers to a command of a client that has just come: errors by their first word. */
async function asks(at: RedisServer, { username, password }: RedisIssued, ...command: string[]): Promise<unknown> {
  const socket = connect(at.port, at.host);
  const encoded = (words: string[]) => `*${words.length}\r\n${words.map((w) => `$${w.length}\r\n${w}\r\n`).join('')}`;
  socket.write([['AUTH', username, password], command, ['QUIT']].map(encoded).join(''));
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk;
  const lines = text.split('\r\n');
  const reply = (): unknown => {
    const line = lines.shift() ?? '';
    const rest = line.slice(1);
    if (line[0] === '$') return rest === '-1' ? null : lines.shift();
    if (line[0] === '*') return Array.from({ length: Number(rest) }, reply);
    return line[0] === '-' ? rest.split(' ')[0] : rest;
  };
  const login = reply();
  return login === 'OK' ? reply() : login;
}

test('a client reads the nodes of its own instance, and can do nothing else', async () => {
  await system.mset(`fk:{${mine}}:u:n`, 'mine', `fk:{${theirs}}:u:n`, 'theirs', `fk:{${mine}}:gen`, '1');
  const user = await issued(mine);
  await issued(theirs);
  expect(user.saved).toBe(true);
  expect(await asks(server, user, 'GET', `fk:{${mine}}:u:n`)).toBe('mine');
  expect(await asks(server, user, 'MGET', `fk:{${mine}}:u:n`, `fk:{${mine}}:u:none`)).toEqual(['mine', null]);
  const attempts = [
    ['GET', `fk:{${theirs}}:u:n`],
    ['MGET', `fk:{${mine}}:u:n`, `fk:{${theirs}}:u:n`],
    ['GET', `fk:{${mine}}:gen`],
    ['SET', `fk:{${mine}}:u:n`, 'forged'],
    ['DEL', `fk:{${mine}}:u:n`],
    ['EXPIRE', `fk:{${mine}}:u:n`, '1'],
    ['SCAN', '0'],
    ['KEYS', '*'],
    ['INFO'],
    ['EVAL', 'return 1', '0'],
    ['SUBSCRIBE', 'c'],
    ['PUBLISH', 'c', 'm'],
    ['ACL', 'WHOAMI'],
    ['ACL', 'LIST'],
    ['CONFIG', 'GET', '*'],
    ['CLIENT', 'LIST'],
    ['CLIENT', 'KILL', 'TYPE', 'normal'],
    ['MONITOR'],
    ['FLUSHALL'],
    ['SHUTDOWN'],
  ];
  for (const attempt of attempts) {
    expect([attempt, await asks(server, user, ...attempt)]).toEqual([attempt, 'NOPERM']);
  }
});

test('a password goes on until the one after the next is made', async () => {
  const first = await issued(mine);
  const second = await issued(mine, first.digests);
  expect(await asks(server, first, 'PING')).toBe('PONG');
  expect(await asks(server, second, 'PING')).toBe('PONG');
  const third = await issued(mine, second.digests);
  expect(await asks(server, second, 'PING')).toBe('PONG');
  expect(await asks(server, third, 'PING')).toBe('PONG');
  expect(await asks(server, first, 'PING')).toBe('WRONGPASS');
});

test('what others changed of a user is put right, without a new password', async () => {
  const user = await issued(mine);
  for (const change of [['off'], ['+@all'], ['allkeys'], ['+set'], ['nopass'], ['-get'], ['&*']]) {
    await system.call('ACL', ['SETUSER', user.username, ...change]);
    await users.keep(mine, user.digests);
    expect(await asks(server, user, 'GET', `fk:{${mine}}:u:none`)).toBe(null);
    expect(await asks(server, user, 'SET', `fk:{${mine}}:u:n`, 'x')).toBe('NOPERM');
    expect(await asks(server, user, 'GET', `fk:{${theirs}}:u:n`)).toBe('NOPERM');
    expect(await asks(server, { ...user, password: 'another' }, 'PING')).toBe('WRONGPASS');
  }
});

test('a user ends with its instance, also where it never had one', async () => {
  const user = await issued(mine);
  await users.remove(mine);
  expect(await asks(server, user, 'PING')).toBe('WRONGPASS');
  await users.remove(theirs);
});

test('a saved user outlives Redis, also where the password of the system is another then', async () => {
  const user = await issued(mine);
  const { url, port } = server;
  await server.stop();
  await writeFile(join(dir, 'kept', 'passwords', 'default'), 'another');
  server = await startRedis({ dataDir: join(dir, 'kept'), port });
  expect(server.url).not.toBe(url);
  expect(await asks(server, user, 'PING')).toBe('PONG');
  const before = new RedisUsers(url);
  await expect(before.issue(mine)).rejects.toThrow(/WRONGPASS/);
  before.close();
});

test('where Redis has no file for users, that is told, and they are made again when it is back', async () => {
  await using forgetful = await startRedis({ dataDir: join(dir, 'forgotten'), keepsUsers: false });
  let reconnects = 0;
  const own = new RedisUsers(forgetful.url, () => reconnects++);
  const user = await issued(mine, [], own);
  expect(user.saved).toBe(false);
  await forgetful.restart();
  expect(await asks(forgetful, user, 'PING')).toBe('WRONGPASS');
  await eventually(() => reconnects > 0);
  await own.keep(mine, user.digests);
  expect(await asks(forgetful, user, 'PING')).toBe('PONG');
  own.close();
});

test('a Redis that lets nobody make users is named a refusal, and an outage an error', async () => {
  await system.call('ACL', ['SETUSER', 'weak', 'on', '>weak', 'allkeys', '+@all', '-acl']);
  const weak = new RedisUsers(server.url.replace(/\/\/.*@/, '//weak:weak@'));
  expect(await weak.issue(mine)).toMatchObject({ refusal: expect.stringContaining('NOPERM') });
  await weak.remove(mine);
  weak.close();
  const nobody = new RedisUsers('redis://127.0.0.1:9/0');
  await expect(nobody.issue(mine)).rejects.toThrow(/Redis makes no users now/);
  nobody.close();
});
