import { randomBytes } from 'node:crypto';
import { readPolicy, type S3Issued } from './session-keys.ts';
import {
  type BucketPolicy,
  type Statement,
  VersityAdmin,
  VersityRefusal,
  type VersitySettings,
} from './versity-admin.ts';

interface Instance {
  readonly id: string;
  readonly storagePrefix: string;
}

const BOUNDS = {
  /**
   * versitygw reads the whole policy for each request of a user: a GET takes 0.7 ms longer for each 100 instances (on two
   * busy cores), so a store with more wants keys that do not need a policy.
   */
  instances: 1_000,
  /** What was seen of users and policy counts for so long, ms. */
  seenMs: 30_000,
  /** Looks that a change of ours came in between of. */
  looks: 3,
} as const;

interface Seen {
  readonly policy: BucketPolicy;
  readonly users: ReadonlySet<string>;
}

type Statements = Map<string, Statement>;
type Edit = (statements: Statements) => void;

/**
 * A user of versitygw for each instance, and a statement in the policy of the bucket that lets it read the public objects.
 * The user before stays until the next one is made, so that clients have the time to read their binding again. What
 * others have in the policy stays. A change that was lost (two operators at once) is found by `keeps`.
 */
export class VersityUsers {
  readonly #admin: VersityAdmin;
  readonly #bucket: string;
  #edits: Edit[] = [];
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #seen: (Seen & { readonly at: number }) | undefined;
  #looking: Promise<Seen | undefined> | undefined;
  #changes = 0;

  constructor(settings: VersitySettings) {
    this.#admin = new VersityAdmin(settings);
    this.#bucket = settings.bucket;
  }

  /** @throws CredentialsError on an outage. */
  async issue(instance: Instance): Promise<S3Issued | { readonly refusal: string }> {
    const accessKeyId = `${userPrefix(instance.id)}${randomBytes(5).toString('hex')}`;
    const secretAccessKey = randomBytes(30).toString('base64url');
    try {
      await this.#changing(() => this.#admin.createUser(accessKeyId, secretAccessKey));
      let kept: readonly string[] = [];
      await this.#edit((statements) => {
        const sid = sidOf(instance.id);
        const [before] = principalsOf(statements.get(sid));
        if (before === undefined && statements.size >= BOUNDS.instances) return;
        kept = [accessKeyId, ...(before === undefined ? [] : [before])];
        statements.set(sid, this.#statement(instance, kept));
      });
      await this.#removeUsers(instance.id, kept);
      if (kept.length > 0) return { accessKeyId, secretAccessKey };
      return { refusal: `the policy of the bucket has ${BOUNDS.instances} instances, the most that are of use` };
    } catch (error) {
      if (error instanceof VersityRefusal) return { refusal: `${error.code}: ${error.message}` };
      throw error;
    }
  }

  /** Whether user and statement are there as they were made. An outage changes nothing. */
  async keeps({ id, storagePrefix }: Instance): Promise<boolean> {
    const seen = await this.#look().catch(() => undefined);
    if (seen === undefined) return true;
    const statement = seen.policy.Statement.find(({ Sid }) => Sid === sidOf(id));
    const [current, ...before] = principalsOf(statement);
    if (current === undefined || !seen.users.has(current)) return false;
    return JSON.stringify(statement) === JSON.stringify(this.#statement({ id, storagePrefix }, [current, ...before]));
  }

  /** The statement first: a policy that names a user who is gone is refused. */
  async remove(id: string): Promise<void> {
    try {
      await this.#edit((statements) => void statements.delete(sidOf(id)));
      await this.#removeUsers(id, []);
    } catch (error) {
      // Never had any, where they cannot be made.
      if (!(error instanceof VersityRefusal)) throw error;
    }
  }

  close(): void {
    this.#admin.close();
  }

  #statement({ id, storagePrefix }: Instance, users: readonly string[]): Statement {
    const [statement] = readPolicy(this.#bucket, storagePrefix).Statement;
    return { Sid: sidOf(id), ...statement, Principal: { AWS: users } };
  }

  async #removeUsers(id: string, kept: readonly string[]): Promise<void> {
    for (const user of await this.#admin.users()) {
      if (user.startsWith(userPrefix(id)) && !kept.includes(user)) {
        await this.#changing(() => this.#admin.deleteUser(user));
      }
    }
  }

  /** Those that come while one change of the policy is on its way go together in the next. */
  #edit(edit: Edit): Promise<void> {
    this.#edits.push(edit);
    this.#next ??= this.#last
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#changing(() => this.#rewrite(this.#edits.splice(0)));
      });
    this.#last = this.#next;
    return this.#next;
  }

  async #rewrite(edits: readonly Edit[]): Promise<void> {
    const policy = await this.#admin.policy();
    const foreign = policy.Statement.filter((statement) => !isOurs(statement));
    const statements: Statements = new Map(
      policy.Statement.filter(isOurs).map((statement) => [statement.Sid as string, statement]),
    );
    const before = JSON.stringify([...statements]);
    for (const edit of edits) edit(statements);
    if (JSON.stringify([...statements]) === before) return;
    const write = () => this.#admin.setPolicy({ ...policy, Statement: [...foreign, ...statements.values()] });
    try {
      await write();
    } catch (error) {
      if (!(error instanceof VersityRefusal) || error.code !== 'MalformedPolicy') throw error;
      // Somebody removed a user of ours: its instance gets another one when that is found.
      const users = new Set(await this.#admin.users());
      for (const [sid, statement] of statements) {
        if (principalsOf(statement).some((user) => !users.has(user))) statements.delete(sid);
      }
      await write();
    }
  }

  async #changing<T>(change: () => Promise<T>): Promise<T> {
    try {
      return await change();
    } finally {
      this.#changes++;
      this.#seen = undefined;
    }
  }

  /** One look serves all instances for a while. Undefined while changes of ours never stop. */
  #look(): Promise<Seen | undefined> {
    if (this.#seen !== undefined && performance.now() - this.#seen.at < BOUNDS.seenMs)
      return Promise.resolve(this.#seen);
    this.#looking ??= this.#lookAnew().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookAnew(): Promise<Seen | undefined> {
    for (let look = 1; look <= BOUNDS.looks; look++) {
      const changes = this.#changes;
      const at = performance.now();
      const [policy, users] = await Promise.all([this.#admin.policy(), this.#admin.users()]);
      if (changes !== this.#changes) continue;
      this.#seen = { policy, users: new Set(users), at };
      return this.#seen;
    }
    return undefined;
  }
}

function userPrefix(id: string): string {
  return `fk-${id}-`;
}

const SID = 'faaskeeper';

function sidOf(id: string): string {
  return `${SID}${id}`;
}

function isOurs({ Sid }: Statement): boolean {
  return Sid?.startsWith(SID) ?? false;
}

function principalsOf(statement: Statement | undefined): string[] {
  const { AWS = [] } = (statement?.Principal ?? {}) as { AWS?: string | string[] };
  return [AWS].flat();
}
