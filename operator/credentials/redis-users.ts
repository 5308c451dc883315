import { createHash, randomBytes } from 'node:crypto';
import { connectRedis } from '@faaskeeper/functions/stores';
import { CredentialsError } from './make.ts';

type Redis = ReturnType<typeof connectRedis>;

export interface RedisIssued {
  readonly username: string;
  readonly password: string;
  /** SHA-256 of the passwords that are taken, the newest first: with them the user can be made again. No secret. */
  readonly digests: readonly string[];
  /** The user outlives a restart of Redis; else it is made again. */
  readonly saved: boolean;
}

/** The password before stays until the next one is made, so that clients have the time to read their binding again. */
const PASSWORDS = 2;
/** What ioredis and others say of themselves: Redis before 7.2 does not know the last one. */
const GREETING = ['+auth', '+hello', '+ping', '+select', '+client|setname', '+client|setinfo'];
const READING = ['+get', '+mget'];

/** Redis users that may read the nodes of one instance in Hybrid user storage, and nothing else. */
export class RedisUsers {
  readonly #url: string;
  readonly #onReconnect: () => void;
  #redis: Redis | undefined;

  /** `onReconnect`: Redis may have been started again, without the users that it kept in memory only. */
  constructor(url: string, onReconnect: () => void = () => {}) {
    this.#url = url;
    this.#onReconnect = onReconnect;
  }

  /**
   * Makes a new password. `before`: `digests` of what was issued last.
   *
   * @throws CredentialsError on an outage.
   */
  async issue(id: string, before: readonly string[] = []): Promise<RedisIssued | { readonly refusal: string }> {
    const password = randomBytes(24).toString('base64url');
    const digests = [createHash('sha256').update(password).digest('hex'), ...before].slice(0, PASSWORDS);
    const saved = await this.#asked((redis) => setUser(redis, id, digests));
    return typeof saved === 'object' ? saved : { username: nameOf(id), password, digests, saved };
  }

  /** Makes the user again if Redis has lost or changed it. An outage changes nothing. */
  async keep(id: string, digests: readonly string[]): Promise<void> {
    await this.#asked(async (redis) => {
      const found = await redis.call('ACL', ['GETUSER', nameOf(id)]);
      return isAsMade(found, id, digests) || (await setUser(redis, id, digests));
    }).catch(() => undefined);
  }

  /** Also where Redis may not be asked: then it never was. @throws CredentialsError on an outage. */
  async remove(id: string): Promise<void> {
    await this.#asked(async (redis) => {
      return Number(await redis.call('ACL', ['DELUSER', nameOf(id)])) === 0 || (await save(redis));
    });
  }

  close(): void {
    this.#redis?.disconnect();
  }

  #connected(): Redis {
    if (this.#redis === undefined) {
      let connections = 0;
      this.#redis = connectRedis({ url: this.#url, name: 'faaskeeper-users' });
      this.#redis.on('ready', () => {
        if (++connections > 1) this.#onReconnect();
      });
    }
    return this.#redis;
  }

  /** Resolves with how Redis refuses, if it does. */
  async #asked<T>(work: (redis: Redis) => Promise<T>): Promise<T | { readonly refusal: string }> {
    try {
      return await work(this.#connected());
    } catch (error) {
      const { name, message } = error as Error;
      if (name === 'ReplyError' && !/^(LOADING|BUSY|NOAUTH|WRONGPASS|MASTERDOWN)/.test(message))
        return { refusal: message };
      throw new CredentialsError(`Redis makes no users now (${message}).`, { cause: error });
    }
  }
}

function nameOf(id: string): string {
  return `fk-${id}`;
}

function keysOf(id: string): string {
  return `%R~fk:{${id}}:u:*`;
}

/** Resolves with whether it is saved. */
async function setUser(redis: Redis, id: string, digests: readonly string[]): Promise<boolean> {
  const passwords = [...digests].reverse().map((digest) => `#${digest}`);
  const set = (commands: readonly string[]) =>
    redis.call('ACL', [
      ...['SETUSER', nameOf(id), 'reset', 'on', ...passwords, 'resetkeys', 'resetchannels', '-@all'],
      ...[keysOf(id), ...READING, ...commands],
    ]);
  try {
    await set(GREETING);
  } catch (error) {
    if (!(error as Error).message.includes('setinfo')) throw error;
    await set(GREETING.slice(0, -1));
  }
  return save(redis);
}

/** False: Redis has no file for its users. */
async function save(redis: Redis): Promise<boolean> {
  try {
    await redis.call('ACL', ['SAVE']);
    return true;
  } catch (error) {
    if ((error as Error).name !== 'ReplyError') throw error;
    return false;
  }
}

/** Names and values by turns, or (RESP3) a map of them. */
function isAsMade(found: unknown, id: string, digests: readonly string[]): boolean {
  if (found === null) return false;
  const flat = Array.isArray(found)
    ? found
    : [...(found instanceof Map ? found : Object.entries(found as object))].flat();
  const value = (name: string) => flat[flat.indexOf(name) + 1];
  const passwords = value('passwords') as readonly string[];
  const commands = String(value('commands')).split(' ');
  return (
    (value('flags') as readonly string[]).includes('on') &&
    digests.every((digest) => passwords.includes(digest)) &&
    passwords.length === digests.length &&
    value('keys') === keysOf(id) &&
    value('channels') === '' &&
    commands[0] === '-@all' &&
    commands.slice(1).every((one) => [...READING, ...GREETING].includes(one)) &&
    READING.every((one) => commands.includes(one))
  );
}
