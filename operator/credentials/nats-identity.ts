import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
  fromSeed,
  type OperatorLimits,
  type UserPermissionsLimits,
} from '@nats-io/jwt';

/** Account that FaaSKeeper and its clients live in, and what signs their users. */
export interface NatsAccount {
  /** Public key: JetStream keeps the account's streams below it, so it must never change. */
  readonly account: string;
  /** Seed of a signing key of the account. */
  readonly signingSeed: string;
}

/** What a user may publish and subscribe to. */
export interface NatsRights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

const NO_LIMIT = -1;

const UNLIMITED: OperatorLimits = {
  ...{ subs: NO_LIMIT, data: NO_LIMIT, payload: NO_LIMIT },
  ...{ imports: NO_LIMIT, exports: NO_LIMIT, wildcards: true, conn: NO_LIMIT, leaf: NO_LIMIT },
};

const UNLIMITED_JETSTREAM: OperatorLimits = {
  ...{ mem_storage: NO_LIMIT, disk_storage: NO_LIMIT, streams: NO_LIMIT, consumer: NO_LIMIT },
};

/** What the server may be asked about itself from within the account; instances' users have no right to. */
const SERVER_INFO = '$SYS.REQ.SERVER.PING.VARZ';

export function newOperatorSeed(): string {
  return text(createOperator().getSeed());
}

export function newAccount(): NatsAccount {
  return { account: createAccount().getPublicKey(), signingSeed: text(createAccount().getSeed()) };
}

/** The claims that a server trusts: whoever has a key of the operator can make them again for the same account. */
export interface NatsClaims {
  readonly operator: string;
  readonly systemAccount: { readonly id: string; readonly claims: string };
  readonly account: { readonly id: string; readonly claims: string };
}

export async function makeClaims(operatorSeed: string, { account, signingSeed }: NatsAccount): Promise<NatsClaims> {
  const operator = fromSeed(bytes(operatorSeed));
  const system = createAccount().getPublicKey();
  const signer = { signer: operator };
  const systemClaims = await encodeAccount(
    'SYS',
    system,
    {
      limits: UNLIMITED,
      exports: [{ name: 'server info', subject: SERVER_INFO, type: 'service', response_type: 'Stream' }],
    },
    { ...signer },
  );
  const accountClaims = await encodeAccount(
    'faaskeeper',
    account,
    {
      limits: { ...UNLIMITED, ...UNLIMITED_JETSTREAM },
      signing_keys: [fromSeed(bytes(signingSeed)).getPublicKey()],
      imports: [{ name: 'server info', subject: SERVER_INFO, type: 'service', account: system }],
    },
    { ...signer },
  );
  return {
    operator: await encodeOperator('faaskeeper', operator, { system_account: system }),
    systemAccount: { id: system, claims: systemClaims },
    account: { id: account, claims: accountClaims },
  };
}

export interface UserOptions {
  readonly name: string;
  /** Default: all rights in the account. */
  readonly rights?: NatsRights;
  /** Seconds since the epoch; default: never. */
  readonly expires?: number;
}

/** Text of a .creds file for a new user of the account. */
export async function userCreds({ account, signingSeed }: NatsAccount, options: UserOptions): Promise<string> {
  const user = createUser();
  const claims = await encodeUser(
    options.name,
    user,
    account,
    options.rights === undefined ? {} : permissionsOf(options.rights),
    {
      signer: fromSeed(bytes(signingSeed)),
      ...(options.expires === undefined ? {} : { exp: options.expires }),
    },
  );
  return text(fmtCreds(claims, user));
}

function permissionsOf({ publish, subscribe }: NatsRights): Partial<UserPermissionsLimits> {
  return { pub: { allow: [...publish] }, sub: { allow: [...subscribe] } };
}

function bytes(seed: string): Uint8Array {
  return new TextEncoder().encode(seed.trim());
}

function text(seed: Uint8Array): string {
  return new TextDecoder().decode(seed);
}
