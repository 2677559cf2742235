/** The constraints: the last to refuse what is wrong, whichever code wrote it. */
import pg from 'pg';
import t, { type Test } from 'tap';
import { parseEmail } from '../src/kernel/email-address.ts';
import { createDatabase } from './support/database.ts';

async function migrated(t: Test): Promise<pg.Client> {
  const client = new pg.Client(await createDatabase(t));
  // the database is dropped with force at the end
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.end());
  return client;
}

/** What the statement is refused with; undefined when it is not. */
async function refusal(client: pg.Client, statement: string, values: unknown[] = []) {
  await client.query('begin');
  try {
    await client.query(statement, values);
    return undefined;
  } catch (error) {
    const { code, constraint } = error as pg.DatabaseError;
    return constraint ?? code;
  } finally {
    await client.query('rollback');
  }
}

t.test('the audit trail can only grow', async (t) => {
  const client = await migrated(t);
  await client.query(`insert into events (id, type, occurred_at) values ('evt_1', 'sign_in.failed', now())`);
  for (const statement of ['update events set type = type', 'delete from events', 'truncate events'])
    for (const end of statement.startsWith('truncate') ? ['', ' cascade'] : ['', ` where id = 'evt_none'`])
      t.equal(await refusal(client, statement + end), '42501', statement + end);
  t.equal((await client.query('select from events')).rowCount, 1);
});

t.test('an address that is not in its one form cannot be stored, whoever writes it', async (t) => {
  const client = await migrated(t);
  const insert = `insert into users (id, email, state, created_at, updated_at) values ('usr_1', $1, 'active', now(), now())`;
  const wrong = [
    'Ada@acme.test',
    'ada@Acme.test',
    'ada',
    '@acme.test',
    'ada@',
    '',
    'ada @acme.test',
    'ada@acme.test\n',
  ];
  const similar = [
    '\u{212a}im@acme.test',
    'ad\u{131}@acme.test',
    'ad\u{17f}@acme.test',
    '\u{430}da@acme.test',
  ];
  const unseen = [
    'ada\u{200b}@acme.test',
    'ada@acme\u{ff0e}test',
    'ada@b\u{fc}cher.test',
    `${'a'.repeat(250)}@x.io`,
  ];
  for (const email of [...wrong, ...similar, ...unseen])
    t.equal(await refusal(client, insert, [email]), 'users_email_check', JSON.stringify(email));
  for (const typed of [
    'Ada@Acme.Test',
    "o'brien+x@mail.acme.test",
    'ada@B\u{dc}CHER.test',
    '!#$%&*/=?^`{|}~-@x.io',
  ]) {
    const email = parseEmail(typed);
    t.ok(email);
    t.equal(await refusal(client, insert, [email]), undefined, typed);
  }
  await client.query(insert, ['ada@acme.test']);
  t.equal(await refusal(client, insert.replace('usr_1', 'usr_2'), ['ada@acme.test']), 'users_email_key');
});

/** Two customers: each with a member, and with a subscription to a product of its own. */
async function twoAccounts(t: Test): Promise<pg.Client> {
  const client = await migrated(t);
  for (const name of ['a', 'b']) {
    await client.query(`
      insert into accounts values ('acc_${name}', '${name}', '${name}', 'active', null, 0, now(), now());
      insert into users (id, email, state, created_at, updated_at)
        values ('usr_${name}', '${name}@x.test', 'active', now(), now());
      insert into memberships values ('acc_${name}', 'usr_${name}', 'agent', now());
      insert into products (id, slug, name, created_at, updated_at) values ('prd_${name}', '${name}', '${name}', now(), now());
      insert into subscriptions (account_id, product_id, seats, starts_at, created_at, updated_at)
        values ('acc_${name}', 'prd_${name}', 5, now(), now(), now());
      insert into seat_requests values ('srq_${name}', 'acc_${name}', 'prd_${name}', 'usr_${name}', 'refused', 'C', now(), now());
      insert into invitations (id, account_id, user_id, email, role, token_hash, locale, created_at, sent_at, expires_at)
        values ('inv_${name}', 'acc_${name}', 'usr_${name}', '${name}@x.test', 'agent', 'token ${name}', 'en', now(), now(), now())`);
  }
  return client;
}

t.test('no row of one account points into another', async (t) => {
  const client = await twoAccounts(t);
  const seat = (account: string, product: string, user: string) =>
    `insert into seats values ('sea_1', 'acc_${account}', 'prd_${product}', 'usr_${user}', now(), null, now())`;
  const request = (account: string, product: string, user: string) =>
    `insert into seat_requests values ('srq_1', 'acc_${account}', 'prd_${product}', 'usr_${user}', 'open', 'C', now(), null)`;
  const link = (account: string, user: string) =>
    `insert into seat_request_links values ('acc_${account}', 'srq_a', 'usr_${user}', 'a@x.test', 'hash', now())`;
  const reservation = (account: string, product: string, user: string) =>
    `insert into seat_reservations values ('acc_${account}', 'prd_${product}', 'usr_${user}', now())`;
  const invited = (account: string, invitation: string, product: string) =>
    `insert into invitation_products values ('acc_${account}', 'inv_${invitation}', 'prd_${product}')`;
  const expected: [statement: string, constraint: string | undefined][] = [
    [seat('a', 'a', 'a'), undefined],
    [seat('a', 'a', 'b'), 'seats_membership_fkey'],
    [seat('b', 'a', 'b'), 'seats_subscription_fkey'],
    [seat('a', 'b', 'a'), 'seats_subscription_fkey'],
    [request('a', 'a', 'a'), undefined],
    [request('a', 'a', 'b'), 'seat_requests_membership_fkey'],
    [request('a', 'b', 'a'), 'seat_requests_subscription_fkey'],
    [link('a', 'a'), undefined],
    [link('a', 'b'), 'seat_request_links_membership_fkey'],
    [link('b', 'b'), 'seat_request_links_request_fkey'],
    [reservation('a', 'a', 'b'), undefined], // who is invited is a user, and no member yet
    [reservation('a', 'b', 'a'), 'seat_reservations_subscription_fkey'],
    [invited('a', 'a', 'a'), undefined],
    [invited('a', 'b', 'a'), 'invitation_products_invitation_fkey'],
    [invited('a', 'a', 'b'), 'invitation_products_subscription_fkey'],
  ];
  for (const [statement, constraint] of expected)
    t.equal(await refusal(client, statement), constraint, statement);
  await client.query(seat('a', 'a', 'a'));
  t.equal(
    await refusal(client, `update seats set account_id = 'acc_b', product_id = 'prd_b'`),
    'seats_membership_fkey',
    'nor is a seat moved there',
  );
  t.equal(
    await refusal(client, seat('a', 'a', 'a').replace('sea_1', 'sea_2')),
    'seats_holder_key',
    'and there is one',
  );
});
