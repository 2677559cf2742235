import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../../db/connect.ts';
import type { AccountId, ProductId, UserId } from '../../kernel/ids.ts';
import type { AccountStatus } from '../accounts/accounts.ts';
import type { Role } from '../memberships/memberships.ts';
import type { UserState } from '../users/users.ts';

/** Dates that bound something: from when (if that is dated), until when, and how many days are forgiven. */
export interface Term {
  readonly startsAt: Date | null;
  readonly endsAt: Date | null;
  readonly graceDays: number;
}

export interface SeatFacts {
  readonly product: string;
  readonly seat: Term;
  readonly subscription: Term;
}

export interface SsoFacts {
  /** One of its connections is required, for the proven domain that the user's address is in. */
  readonly required: boolean;
  /** The user is one of its admins who keep the password for the day the identity provider is down. */
  readonly breakGlass: boolean;
}

/** One account the user is a member of, with everything that says what they may do there. */
export interface AccountFacts {
  readonly id: AccountId;
  readonly slug: string;
  readonly name: string;
  readonly status: AccountStatus;
  readonly term: Term;
  readonly role: Role;
  /** Its admin, or an operator, has switched the user off here. */
  readonly deactivated: boolean;
  /** The account's subscription to the client's product. */
  readonly subscription: Term | null;
  /** How the account lets this user in. */
  readonly sso: SsoFacts;
  /** The user's seats in this account, on any product. */
  readonly seats: readonly SeatFacts[];
}

export interface UserFacts {
  readonly id: UserId;
  readonly state: UserState;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly name: string | null;
  readonly locale: string | null;
  readonly updatedAt: Date;
}

export interface ClientFacts {
  readonly clientId: string;
  readonly product: { readonly id: ProductId; readonly slug: string; readonly name: string } | null;
  readonly requiredRole: 'admin' | null;
  readonly signUpUri: string | null;
}

export interface AccessFacts {
  readonly user: UserFacts;
  readonly client: ClientFacts;
  readonly accounts: readonly AccountFacts[];
}

/** Everything the decision rests on, in one statement; undefined when the user or the client is not there. */
export async function loadAccessFacts(
  db: Db,
  { userId, clientId }: { userId: string; clientId: string },
): Promise<AccessFacts | undefined> {
  const facts = selectAccessFacts(sql`${userId}::text`, sql`${clientId}::text`);
  const result = await sql<{ facts: string | null }>`select ${facts} as facts`.execute(db);
  return readAccessFacts(result.rows[0]?.facts);
}

/** The same as part of another statement, which says whose: a text for readAccessFacts, or null. */
export function selectAccessFacts(
  userId: RawBuilder<unknown>,
  clientId: RawBuilder<unknown>,
): RawBuilder<string | null> {
  return sql`(
    select json_build_object(
      'user', json_build_object('id', u.id, 'state', u.state, 'email', u.email, 'name', u.name,
        'emailVerified', u.email_verified_at is not null, 'locale', u.locale, 'updatedAt', u.updated_at),
      'client', ${clientColumns},
      'accounts', coalesce((
        select json_agg(${accountColumns})
        from memberships m join accounts a on a.id = m.account_id
        left join subscriptions s on s.account_id = a.id and s.product_id = c.product_id
        where m.user_id = u.id), '[]'))::text
    from users u join clients c on c.client_id = ${clientId} left join products p on p.id = c.product_id
    where u.id = ${userId})`; // by primary keys; memberships_user_id_idx, seats_membership_idx
}

export interface Prospect {
  readonly clientId: string;
  readonly accountId: AccountId;
  readonly email: string;
  readonly role: Role;
  /** Those of the account's products on which they would be given a seat. */
  readonly products: readonly ProductId[];
  readonly now: Date;
}

/** The same of somebody as if they had just become a user, and a member of this account alone. */
export async function loadProspectFacts(
  db: Db,
  { clientId, accountId, email, role, products, now }: Prospect,
): Promise<AccessFacts | undefined> {
  const result = await sql<{ facts: string }>`
    select jsonb_build_object(
      'user', jsonb_build_object('id', u.id, 'state', 'active', 'email', u.email, 'name', null,
        'emailVerified', true, 'locale', null, 'updatedAt', ${now}::timestamptz),
      'client', ${clientColumns},
      'accounts', jsonb_build_array((${accountColumns})::jsonb || jsonb_build_object('seats', coalesce((
        select jsonb_agg(jsonb_build_object('product', sp.slug,
          'seat', jsonb_build_object('startsAt', ${now}::timestamptz, 'endsAt', null, 'graceDays', 0),
          'subscription', jsonb_build_object('startsAt', ss.starts_at, 'endsAt', ss.expires_at,
            'graceDays', ss.grace_days)))
        from subscriptions ss join products sp on sp.id = ss.product_id
        where ss.account_id = a.id and ss.product_id = any(${products}::text[])), '[]'))))::text as facts
    from clients c left join products p on p.id = c.product_id
    cross join (select ''::text as id, ${email}::text as email) u
    cross join (select ${role}::text as role, false as break_glass, null::timestamptz as deactivated_at) m
    join accounts a on a.id = ${accountId}
    left join subscriptions s on s.account_id = a.id and s.product_id = c.product_id
    where c.client_id = ${clientId}`.execute(db); // by primary keys
  return readAccessFacts(result.rows[0]?.facts);
}

const clientColumns = sql`json_build_object('clientId', c.client_id, 'requiredRole', c.required_role,
  'signUpUri', c.sign_up_uri,
  'product', case when p.id is not null then json_build_object('id', p.id, 'slug', p.slug, 'name', p.name) end)`;

const accountColumns = sql`json_build_object('id', a.id, 'slug', a.slug, 'name', a.name, 'status', a.status,
  'role', m.role, 'deactivated', m.deactivated_at is not null,
  'term', json_build_object('startsAt', null, 'endsAt', a.expires_at, 'graceDays', a.grace_days),
  'subscription', case when s.account_id is not null then json_build_object('startsAt', s.starts_at,
    'endsAt', s.expires_at, 'graceDays', s.grace_days) end,
  'sso', json_build_object('breakGlass', m.break_glass, 'required', exists (
    select from domains d join connection_domains cd on cd.account_id = d.account_id and cd.domain_id = d.id
    join connections n on n.id = cd.connection_id
    where d.account_id = a.id and d.state in ('verified', 'stale') and n.state = 'required'
      and (d.name = split_part(u.email, '@', 2)
        or (d.include_subdomains and split_part(u.email, '@', 2) like '%.' || d.name))
      and (cd.addresses is null or u.email = any(cd.addresses)))),
  'seats', coalesce((
    select json_agg(json_build_object('product', sp.slug,
      'seat', json_build_object('startsAt', st.starts_at, 'endsAt', st.ends_at, 'graceDays', 0),
      'subscription', json_build_object('startsAt', ss.starts_at, 'endsAt', ss.expires_at,
        'graceDays', ss.grace_days)))
    from seats st join subscriptions ss on ss.account_id = st.account_id and ss.product_id = st.product_id
    join products sp on sp.id = st.product_id
    where st.account_id = a.id and st.user_id = u.id), '[]'))`;

/** What selectAccessFacts has selected: put in order here, which costs PostgreSQL more, and with its dates as dates again. */
export function readAccessFacts(facts: string | null | undefined): AccessFacts | undefined {
  if (facts === null || facts === undefined) return undefined;
  const { user, client, accounts } = JSON.parse(facts) as AccessFacts;
  return {
    user: { ...user, updatedAt: new Date(user.updatedAt) },
    client,
    accounts: accounts.map(datedAccount).sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
  };
}

function datedAccount(account: AccountFacts): AccountFacts {
  const { term, subscription, seats } = account;
  return {
    ...account,
    term: dated(term),
    subscription: subscription && dated(subscription),
    seats: seats
      .map((held) => ({ ...held, seat: dated(held.seat), subscription: dated(held.subscription) }))
      .sort((a, b) => compare(a.product, b.product)),
  };
}

/** As it comes out of JSON, which has no dates. */
function dated({ startsAt, endsAt, graceDays }: Term): Term {
  return { startsAt: startsAt && new Date(startsAt), endsAt: endsAt && new Date(endsAt), graceDays };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
