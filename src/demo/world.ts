/** The demo world: accounts, people and clients that show every way a sign-in can end. A contract: see the README. */
import { sql } from 'kysely';
import { type Context, inTransaction, type Tx } from '../context.ts';
import { createAccount, findAccountBySlug, type NewAccount } from '../core/accounts/accounts.ts';
import {
  createClient,
  deleteClient,
  type NewClient,
  operatorScopes,
  ownResource,
} from '../core/clients/clients.ts';
import { hashPassword, updatePassword } from '../core/credentials/credentials.ts';
import { createInvitation } from '../core/invitations/invitations.ts';
import { createMembership, deactivateMember, type Role } from '../core/memberships/memberships.ts';
import { createProduct, findProductBySlug } from '../core/products/products.ts';
import { assignSeat } from '../core/seats/seats.ts';
import { createSubscription } from '../core/subscriptions/subscriptions.ts';
import { createUser, findUserByEmail, type UserState } from '../core/users/users.ts';
import { parseEmail, type EmailAddress } from '../kernel/email-address.ts';
import type { AccountId, ProductId } from '../kernel/ids.ts';
import { addSeconds, day } from '../kernel/time.ts';
import { makeCompanyKeys, seedCompanies } from './companies.ts';

export const demoPassword = 'correct horse battery staple';

type ProductSlug = 'assist' | 'meet';
interface Place {
  readonly role: Role;
  readonly seats: readonly ProductSlug[];
  /** Switched off there by an admin. */
  readonly deactivated?: boolean;
}

type Places = Readonly<Record<string, Place>>;

export interface DemoPerson {
  readonly email: string;
  readonly name: string;
  readonly state: UserState;
  readonly hasPassword: boolean;
  /** What there is to see when this person signs in. */
  readonly about: string;
  readonly places: Places;
}

const resources: Readonly<Record<ProductSlug, string>> = {
  assist: 'https://api.assist.test',
  meet: 'https://api.meet.test',
};

interface DemoAccount extends NewAccount {
  readonly subscriptions: Partial<Record<ProductSlug, number>>;
}

function demoAccounts(now: Date): DemoAccount[] {
  return [
    { slug: 'acme', name: 'Acme Inc.', subscriptions: { assist: 5, meet: 1 } },
    { slug: 'lapsed', name: 'Lapsed Ltd', expiresAt: addSeconds(now, -day), subscriptions: { assist: 2 } },
    { slug: 'globex', name: 'Globex Corp', subscriptions: { assist: 5 } },
    { slug: 'initech', name: 'Initech', subscriptions: { assist: 5 } },
  ];
}

const active = { state: 'active', hasPassword: true } as const;
const agent = (...seats: ProductSlug[]) => ({ role: 'agent', seats }) as const;
const admin = (...seats: ProductSlug[]) => ({ role: 'admin', seats }) as const;

export const demoPeople: readonly DemoPerson[] = [
  {
    ...active,
    email: 'ada@acme.test',
    name: 'Ada Lovelace',
    about: 'admin with a seat on Assist, none on Meet',
    places: { acme: admin('assist') },
  },
  {
    ...active,
    email: 'alan@acme.test',
    name: 'Alan Turing',
    about: 'seats on both products',
    places: { acme: agent('assist', 'meet') },
  },
  {
    ...active,
    email: 'noseat@acme.test',
    name: 'Nora Seatless',
    about: 'no seat: asks for one',
    places: { acme: agent() },
  },
  {
    ...active,
    email: 'off@acme.test',
    name: 'Olaf Off',
    about: 'switched off',
    places: { acme: { ...agent(), deactivated: true } },
  },
  {
    email: 'invited@acme.test',
    name: 'Ines Invited',
    state: 'invited',
    hasPassword: false,
    about: 'invited: the link is in the mailbox',
    places: {},
  },
  {
    ...active,
    email: 'lea@lapsed.test',
    name: 'Lea Lapsed',
    about: 'the account has lapsed',
    places: { lapsed: agent('assist') },
  },
  {
    ...active,
    hasPassword: false,
    email: 'gina@globex.test',
    name: 'Gina Globex',
    about: "signs in by Globex's SAML",
    places: { globex: agent('assist') },
  },
  {
    ...active,
    email: 'greg@globex.test',
    name: 'Greg Globex',
    about: "break-glass admin: by Globex's SAML, or by password in an emergency",
    places: { globex: admin() },
  },
  {
    ...active,
    email: 'ian@initech.test',
    name: 'Ian Initech',
    about: "admin with a seat on Assist: by Initech's OpenID Connect, or by password",
    places: { initech: admin('assist') },
  },
  {
    ...active,
    email: 'multi@acme.test',
    name: 'Mika Multi',
    about: 'two accounts: chooses one',
    places: { acme: agent('assist'), initech: agent('assist') },
  },
  { ...active, email: 'lonely@nowhere.test', name: 'Lou Lonely', about: 'no account at all', places: {} },
];

/** Makes the world, once, on any database; clients are brought up to date each time, because the issuer may have moved. */
export async function seedDemoWorld(ctx: Context): Promise<void> {
  const hashes = new Map<string, string>();
  const keys = makeCompanyKeys(ctx.now());
  // before the transaction, and one at a time: the gate for hashing is for people who wait
  if (!(await isSeeded(ctx))) {
    for (const { email, hasPassword } of demoPeople) {
      if (hasPassword) hashes.set(email, await hashPassword(ctx, demoPassword));
    }
  }
  const companyKeys = await keys;
  await inTransaction(ctx, async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext('doorward demo world'))`.execute(tx.db);
    if (hashes.size > 0 && !(await isSeeded(tx))) await createWorld(tx, hashes);
    await replaceClients(tx);
    await seedCompanies(tx, companyKeys);
    await inviteInes(tx);
  });
}

async function isSeeded({ db }: Pick<Context, 'db'> | Tx): Promise<boolean> {
  const row = await db.selectFrom('accounts').select('id').where('slug', '=', 'acme').executeTakeFirst();
  return row !== undefined;
}

async function createWorld(tx: Tx, hashes: ReadonlyMap<string, string>): Promise<void> {
  const products: Record<ProductSlug, ProductId> = {
    assist: await createProduct(tx, {
      slug: 'assist',
      name: 'Assist',
      resource: resources.assist,
      scopes: ['assist:read', 'assist:write'],
    }),
    meet: await createProduct(tx, {
      slug: 'meet',
      name: 'Meet',
      resource: resources.meet,
      scopes: ['meet:read', 'meet:write'],
    }),
  };
  const accounts = new Map<string, AccountId>();
  for (const { subscriptions, ...account } of demoAccounts(tx.now())) {
    const accountId = await createAccount(tx, account);
    accounts.set(account.slug, accountId);
    for (const [slug, seats] of Object.entries(subscriptions) as [ProductSlug, number][]) {
      const startsAt = addSeconds(tx.now(), -30 * day);
      await createSubscription(tx, { accountId, productId: products[slug], seats, startsAt });
    }
  }
  for (const person of demoPeople)
    await createPerson(tx, person, { accounts, products, hash: hashes.get(person.email) });
}

interface Surroundings {
  readonly accounts: ReadonlyMap<string, AccountId>;
  readonly products: Readonly<Record<ProductSlug, ProductId>>;
  readonly hash: string | undefined;
}

async function createPerson(
  tx: Tx,
  person: DemoPerson,
  { accounts, products, hash }: Surroundings,
): Promise<void> {
  const { name, state } = person;
  const emailVerifiedAt = state === 'invited' ? null : tx.now();
  const userId = await createUser(tx, {
    email: address(person.email),
    name,
    locale: 'en',
    state,
    emailVerifiedAt,
  });
  if (hash !== undefined) await updatePassword(tx, userId, hash);
  for (const [slug, { role, seats, deactivated }] of Object.entries(person.places)) {
    const accountId = accounts.get(slug);
    if (!accountId) throw new Error(`the demo world has no account ${slug}`);
    await createMembership(tx, { accountId, userId, role });
    for (const seat of seats) await assignSeat(tx, { accountId, userId, productId: products[seat] });
    if (deactivated) await deactivateMember(tx, { accountId, userId });
  }
}

function address(text: string): EmailAddress {
  const email = parseEmail(text);
  if (!email) throw new Error(`${text} is not an email address`);
  return email;
}

/** Whoever was invited finds the link in the mailbox; once it has expired there is another. */
async function inviteInes(tx: Tx): Promise<void> {
  const email = address('invited@acme.test');
  const user = await findUserByEmail(tx.db, email);
  const account = await findAccountBySlug(tx.db, 'acme');
  const product = await findProductBySlug(tx.db, 'assist');
  const inviter = await findUserByEmail(tx.db, address('ada@acme.test'));
  if (user?.state !== 'invited' || !account || !product || !inviter) return;
  const pending = await tx.db
    .selectFrom('invitations')
    .select('id')
    .where('userId', '=', user.id)
    .where('state', '=', 'pending')
    .where('expiresAt', '>', tx.now())
    .executeTakeFirst();
  if (pending) return;
  await createInvitation(tx, {
    accountId: account.id,
    email,
    role: 'agent',
    products: [product.id],
    clientId: 'demo-assist',
    inviter: { id: inviter.id, name: 'Ada Lovelace' },
  });
}

async function replaceClients(tx: Tx): Promise<void> {
  const rows = await tx.db.selectFrom('products').select(['id', 'slug']).execute();
  const products = Object.fromEntries(rows.map(({ id, slug }) => [slug, id]));
  for (const client of demoClients(tx.config.issuer, products)) {
    await deleteClient(tx, client.clientId);
    await createClient(tx, client);
  }
}

function demoClients(issuer: string, products: Readonly<Record<string, ProductId>>): NewClient[] {
  const assist = {
    productId: products['assist'] ?? null,
    resources: [resources.assist],
    scopes: ['assist:read', 'assist:write'],
  };
  const meet = {
    productId: products['meet'] ?? null,
    resources: [resources.meet],
    scopes: ['meet:read', 'meet:write'],
  };
  const interactive = (name: string) =>
    ({
      clientId: `demo-${name}`,
      firstParty: true,
      applicationType: 'web',
      authMethod: 'none',
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: [`${issuer}/demo/${name}/callback`],
      postLogoutRedirectUris: [`${issuer}/demo/${name}`],
      backchannelLogoutUri: `${issuer}/demo/${name}/backchannel-logout`,
      initiateLoginUri: `${issuer}/demo/${name}/sign-in`,
      homeUri: `${issuer}/demo/${name}`,
    }) as const;
  const secret = (name: string) =>
    ({ authMethod: 'client_secret_basic', secret: `demo-${name}-secret` }) as const;
  const service = { firstParty: true, applicationType: 'web', grantTypes: ['client_credentials'] } as const;
  const own = ownResource({ issuer });
  return [
    { ...interactive('assist'), ...assist, name: 'Assist' },
    { ...interactive('meet'), ...meet, name: 'Meet' },
    {
      ...interactive('native'),
      ...assist,
      name: 'Assist for desktop',
      applicationType: 'native',
      redirectUris: ['http://127.0.0.1/callback'],
      postLogoutRedirectUris: ['http://127.0.0.1/signed-out'],
      backchannelLogoutUri: null,
    },
    {
      ...interactive('confidential'),
      ...assist,
      ...secret('confidential'),
      name: 'Assist Reports',
      scopes: [...assist.scopes, 'offline_access'],
    },
    {
      ...interactive('third-party'),
      ...assist,
      ...secret('third-party'),
      name: 'Charts by Somebody Else',
      firstParty: false,
    },
    {
      ...interactive('admin'),
      name: 'Admin Center',
      requiredRole: 'admin',
      scopes: ['account:manage', 'self'],
      resources: [own.resource],
    },
    { ...service, ...secret('service'), ...assist, clientId: 'demo-service', name: 'Assist nightly job' },
    {
      ...service,
      ...secret('operator'),
      clientId: 'demo-operator',
      name: 'Demo operator',
      scopes: operatorScopes,
      resources: [own.resource],
    },
  ];
}
