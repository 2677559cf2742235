/**
 * The invariants of the reliability suite, asked of a database at rest: after whatever fault, none of these finds a row.
 * What a database cannot know is for each file to compare with what it has been answered: I1 (acknowledged is there),
 * I4 (one effect for each idempotency key), I5 (what the receiver got), I8 (no 5xx), I9 (the log), I10.
 */
import { sql } from 'kysely';
import type { Test } from 'tap';
import type { Db } from '../../src/db/connect.ts';
import { demoPeople } from '../../src/demo/world.ts';
import { verifyTrail } from '../../src/core/audit/audit.ts';

export interface Invariant {
  /** The number in the catalogue, and what must hold. */
  readonly name: string;
  /** Finds what breaks it. */
  readonly offenders: string;
}

/** What is there was recorded when it was made. */
const comesWith = (table: string, type: string, matches: string): Invariant => ({
  name: `I6 ${table} come with ${type}`,
  offenders: `select to_jsonb(t) as row from ${table} t
    where not exists (select from events e where e.type = '${type}' and ${matches})`,
});

/** The demo world's people were never created by anybody. */
const ofDemo = `in (select id from users where email in (${demoPeople.map(({ email }) => `'${email}'`).join(', ')}))`;

/** An event that says that something was used up, at most once for each of its kind. */
const once = (type: string, by: string): Invariant => ({
  name: `I2 ${type} happens once for each ${by}`,
  offenders: `select details->>'${by}' as id, count(*) from events
    where type = '${type}' and details ? '${by}' group by 1 having count(*) > 1`,
});

const inPlace = 'e.account_id = t.account_id and e.user_id = t.user_id';

export const invariants: readonly Invariant[] = [
  once('invitation.accepted', 'invitation_id'),
  once('password_reset.completed', 'request_id'),
  once('seat_request.granted', 'request_id'),
  once('seat_request.refused', 'request_id'),
  {
    name: 'I2 an invitation is accepted where its event says so',
    offenders: `select t.id from invitations t where (t.state = 'accepted') <> exists (select from events e
      where e.type = 'invitation.accepted' and e.details->>'invitation_id' = t.id)`,
  },
  {
    name: 'I2 a seat request is granted where its event says so',
    offenders: `select t.id from seat_requests t where (t.state = 'granted') <> exists (select from events e
      where e.type = 'seat_request.granted' and e.details->>'request_id' = t.id)`,
  },
  {
    name: 'I2 a password is reset where its event says so',
    offenders: `select t.id from password_resets t where (t.consumed_at is not null) <> exists (select
      from events e where e.type = 'password_reset.completed' and e.details->>'request_id' = t.request_id)`,
  },
  {
    name: 'I3 no more seats are used and kept than were bought',
    offenders: `select p.account_id, p.product_id, p.seats, count(*) as used from subscriptions p
      join (select account_id, product_id, user_id from seats where ends_at is null or ends_at > now()
        union select account_id, product_id, user_id from seat_reservations where until > now()) s
        using (account_id, product_id)
      group by 1, 2, 3 having count(*) > p.seats`,
  },
  {
    name: 'I5 a mail that has gone, or was given up, keeps no secret, and one that has gone says when',
    offenders: `select id from mail_outbox
      where state <> 'pending' and secrets_sealed is not null or (state = 'sent') <> (sent_at is not null)`,
  },
  {
    name: 'I5 an issued reset has its mail',
    offenders: `select e.id from events e where e.type = 'password_reset.issued' and not exists (select
      from mail_outbox m where m.template = e.details->>'mail' and m.created_at between
        e.occurred_at - interval '1 second' and e.occurred_at + interval '1 second')`,
  },
  comesWith('accounts', 'account.created', 'e.account_id = t.id'),
  {
    name: 'I6 people come with the event of their making',
    offenders: `select t.id from users t where t.id not ${ofDemo} and not exists (select from events e
      where e.type in ('user.created', 'invitation.created') and e.user_id = t.id)`,
  },
  {
    name: 'I6 memberships come with the event of their making',
    offenders: `select t.user_id from memberships t where t.user_id not ${ofDemo} and not exists (select from events e
      where e.type in ('membership.created', 'invitation.accepted') and ${inPlace})`,
  },
  comesWith('seats', 'seat.assigned', `${inPlace} and e.details->>'product_id' = t.product_id`),
  comesWith('seat_requests', 'seat.requested', `e.details->>'request_id' = t.id`),
  comesWith('products', 'product.created', `e.details->>'product_id' = t.id`),
  comesWith(
    'subscriptions',
    'subscription.created',
    `e.account_id = t.account_id and e.details->>'product_id' = t.product_id`,
  ),
  comesWith('invitations', 'invitation.created', `e.details->>'invitation_id' = t.id`),
  comesWith('connections', 'connection.created', `e.details->>'connection_id' = t.id`),
  comesWith('identities', 'identity.linked', `e.details->>'identity_id' = t.id`),
  comesWith('signing_keys', 'signing_key.created', `e.details->>'kid' = t.kid`),
  {
    name: 'I6 who was recorded as created is there',
    offenders: `select e.id, e.user_id from events e where e.type = 'user.created'
      and not exists (select from users t where t.id = e.user_id)`,
  },
  {
    name: 'I6 an invitation that was recorded is there',
    offenders: `select e.id from events e where e.type = 'invitation.created'
      and not exists (select from invitations t where t.id = e.details->>'invitation_id')`,
  },
  {
    name: 'I6 a membership that was recorded is there, or was removed',
    offenders: `select e.id from events e where e.type = 'membership.created'
      and not exists (select from memberships t where ${inPlace}) and not exists (select from events r
        where r.type = 'membership.removed' and r.account_id = e.account_id and r.user_id = e.user_id)`,
  },
  {
    name: 'I7 who is switched off has no session and no grant',
    offenders: `select u.id from users u where u.state = 'deactivated' and (
      exists (select from sessions s where s.user_id = u.id and s.expires_at > now())
      or exists (select from grants g where g.user_id = u.id and g.expires_at > now()))`,
  },
  {
    name: 'I7 what ended with its grant is gone',
    offenders: `select f.grant_id from refresh_families f
      where not exists (select from grants g where g.id = f.grant_id)`,
  },
];

/** Each invariant that is broken, with up to three of what breaks it; empty when all hold. */
export async function brokenInvariants(db: Db): Promise<Record<string, unknown[]>> {
  const broken: Record<string, unknown[]> = {};
  for (const { name, offenders } of invariants) {
    const { rows } = await sql.raw(`${offenders} limit 3`).execute(db);
    if (rows.length > 0) broken[name] = rows;
  }
  const { fault } = await verifyTrail(db);
  if (fault) broken['I6 the trail is what was sealed'] = [fault];
  return broken;
}

/** People whom a test has made itself, past every door, come with no event. */
export async function assertInvariants(
  t: Test,
  db: Db,
  people: 'of the service' | 'of the test' = 'of the service',
): Promise<void> {
  const broken = Object.entries(await brokenInvariants(db));
  const counts = (name: string): boolean =>
    people === 'of the service' || !/^I6 (people|users|memberships) /.test(name);
  t.same(Object.fromEntries(broken.filter(([name]) => counts(name))), {}, 'the invariants hold');
}
