/**
 * Fills a database with people who are signed in: what one real sign-in has left is copied for each of them, within the
 * server, so that rows look as the service writes them whatever its schema is. What only a client knows (tokens, cookies)
 * follows from the person's number.
 */
import { createHash } from 'node:crypto';
import pg from 'pg';

const perAccount = 100;

/** The secret of this kind that the person holds; as long as those the service makes, which tells them apart by that. */
export function secretOf(kind: 'refresh' | 'access' | 'session', person: number): string {
  const hash = createHash('sha256').update(`${kind}:${person}`);
  return hash.digest(kind === 'refresh' ? 'hex' : 'base64url');
}

export function emailOf(person: number): string {
  return `person-${person}@bench.test`;
}

/** `template` has signed in to both clients by one session. Answers nothing else than that everybody is there. */
export async function seedPeople(
  databaseUrl: string,
  { template, count }: { readonly template: string; readonly count: number },
): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    // the rows fit together by construction; checking each reference of each would take longer than writing it
    await client.query('set session_replication_role = replica');
    await client.query(people, [count, perAccount]);
    await client.query(`create temporary table template as
      select u.id as user_id, s.uid, s.account_id, x.product_id from users u
        join sessions s on s.user_id = u.id
        join seats x on x.user_id = u.id
        join products p on p.id = x.product_id and p.slug = 'assist'
      where u.email = '${template}'`);
    for (const [table, { of, values }] of Object.entries(copies)) {
      await client.query(`insert into ${table.split(' ')[0]}
        select made.* from template, ${table.split(' ')[0]} t, person p,
          lateral jsonb_populate_record(t, jsonb_build_object(${values})) made
        where ${of}`);
    }
    await client.query('vacuum (analyze)');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

const people = `
  create temporary table person as
  select n, 'usr_bench' || lpad(n::text, 21, '0') as user_id, 'acc_bench' || lpad((n / $2)::text, 21, '0') as account_id,
    n / $2 as account, n % $2 = 0 as is_first, 'person-' || n || '@bench.test' as email,
    md5('sid:' || n) as sid, md5('uid:' || n) as uid, md5('grant:' || n) as grant_id, md5('opaque:' || n) as other_grant_id
  from generate_series(0::bigint, $1::bigint - 1) n`;

const hashOf = (text: string): string => `sha256(convert_to(${text}, 'UTF8'))`;
/** The same as secretOf. */
function secret(kind: Parameters<typeof secretOf>[0]): string {
  const hash = hashOf(`'${kind}:' || n`);
  return kind === 'refresh' ? `encode(${hash}, 'hex')` : `translate(encode(${hash}, 'base64'), '+/=', '-_')`;
}

interface Copy {
  /** Which row of the template. */
  readonly of: string;
  /** What differs from it, as for jsonb_build_object. */
  readonly values: string;
}

const ids = `'accountId', p.user_id`;
/** A day more than any run takes: the service lets an access token live for ten minutes. */
const tomorrow = `extract(epoch from now() + interval '1 day')::bigint`;

/** The table, and a word where one has two copies. */
const copies: Readonly<Record<string, Copy>> = {
  accounts: {
    of: `t.id = template.account_id and p.is_first`,
    values: `'id', p.account_id, 'slug', 'bench-' || p.account`,
  },
  subscriptions: {
    of: `t.account_id = template.account_id and t.product_id = template.product_id and p.is_first`,
    values: `'account_id', p.account_id, 'seats', ${perAccount}`,
  },
  users: { of: `t.id = template.user_id`, values: `'id', p.user_id, 'email', p.email` },
  passwords: { of: `t.user_id = template.user_id`, values: `'user_id', p.user_id` },
  memberships: {
    of: `t.user_id = template.user_id`,
    values: `'user_id', p.user_id, 'account_id', p.account_id`,
  },
  seats: {
    of: `t.user_id = template.user_id and t.product_id = template.product_id`,
    values: `'id', 'sea_bench' || lpad(n::text, 21, '0'), 'user_id', p.user_id, 'account_id', p.account_id`,
  },
  sessions: {
    of: `t.uid = template.uid`,
    values: `'id_hash', ${hashOf(secret('session'))}, 'uid', p.uid, 'user_id', p.user_id, 'account_id', p.account_id,
      'payload', t.payload || jsonb_build_object(${ids}, 'uid', p.uid, 'authorizations', jsonb_build_object(
        'demo-assist', jsonb_build_object('sid', p.sid, 'grantId', p.grant_id),
        'demo-confidential', jsonb_build_object('sid', p.sid, 'grantId', p.other_grant_id)))`,
  },
  'grants assist': {
    of: `t.user_id = template.user_id and t.client_id = 'demo-assist'`,
    values: `'id', p.grant_id, 'user_id', p.user_id, 'account_id', p.account_id,
      'payload', t.payload || jsonb_build_object(${ids})`,
  },
  'grants confidential': {
    of: `t.user_id = template.user_id and t.client_id = 'demo-confidential'`,
    values: `'id', p.other_grant_id, 'user_id', p.user_id, 'account_id', p.account_id,
      'payload', t.payload || jsonb_build_object(${ids})`,
  },
  refresh_families: {
    of: `t.payload ->> 'accountId' = template.user_id and t.payload ->> 'clientId' = 'demo-assist'`,
    values: `'family_hash', ${hashOf(`left(${secret('refresh')}, 22)`)}, 'current_hash', ${hashOf(secret('refresh'))},
      'grant_id', p.grant_id, 'payload', t.payload || jsonb_build_object(${ids}, 'grantId', p.grant_id,
        'sid', p.sid, 'sessionUid', p.uid)`,
  },
  artifacts: {
    of: `t.model = 'AccessToken' and t.payload ->> 'accountId' = template.user_id`,
    values: `'id_hash', ${hashOf(secret('access'))}, 'grant_id', p.other_grant_id, 'expires_at', now() + interval '1 day',
      'payload', t.payload || jsonb_build_object(${ids}, 'grantId', p.other_grant_id, 'sid', p.sid, 'sessionUid', p.uid,
        'exp', ${tomorrow})`,
  },
};
