/** Invitations under load, on two processes: RC-13 and RC-15; and what is kept of a token. */
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { createProduct } from '../../src/core/products/products.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import type { AccountId, ProductId } from '../../src/kernel/ids.ts';
import { open } from '../../src/kernel/seal.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { createDatabase } from '../support/database.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';
import { startReplicas } from '../support/replicas.ts';

const password = 'quite a long new password';

t.test('two replicas', async (t) => {
  const { origins, ctx, output } = await startReplicas(t, { count: 2, databaseUrl: await createDatabase(t) });
  const sameOrigin = { 'sec-fetch-site': 'same-origin' };

  const makePlace = async (seats: number) => {
    const accountId = await makeAccount(ctx);
    const slug = `product-${accountId.slice(-12)}`;
    const productId = await inTransaction(ctx, async (tx) => {
      const id = await createProduct(tx, { slug, name: slug });
      await createSubscription(tx, { accountId, productId: id, seats, startsAt: new Date(0) });
      return id;
    });
    return { accountId, productId };
  };
  const invite = (place: { accountId: AccountId; productId: ProductId }, email: string) =>
    inTransaction(ctx, (tx) => {
      const address = parseEmail(email);
      if (!address) throw new Error('not an email address');
      const { accountId, productId } = place;
      return createInvitation(tx, { accountId, email: address, role: 'agent', products: [productId] });
    });
  const tokenFor = async (email: string): Promise<string> => {
    const mail = await ctx.db
      .selectFrom('mailOutbox')
      .select(['id', 'secretsSealed'])
      .where('recipient', '=', email)
      .orderBy('id', 'desc')
      .executeTakeFirstOrThrow();
    const text = open(ctx.config.secretKeys, mail.secretsSealed ?? '', `mail_outbox/${mail.id}`);
    return (JSON.parse(text) as { token: string }).token;
  };
  const accept = (token: string, index: number, more: object = {}): Promise<Answer> =>
    new Agent(origins[index % origins.length] ?? '').post('/invitations/accept', {
      json: { token, password, ...more },
      headers: sameOrigin,
    });
  const membersOf = async (accountId: AccountId): Promise<number> => {
    const rows = await ctx.db
      .selectFrom('memberships')
      .select('userId')
      .where('accountId', '=', accountId)
      .execute();
    return rows.length;
  };
  const seatsOf = async (accountId: AccountId): Promise<number> => {
    const rows = await ctx.db.selectFrom('seats').select('id').where('accountId', '=', accountId).execute();
    return rows.length;
  };
  const isCalm = (t: Test, answers: readonly Answer[]): void => {
    for (const { status, text } of answers) t.ok(status < 500 || status === 503, text);
  };

  t.test('RC-13: fifty at once accept one invitation: one does', async (t) => {
    const place = await makePlace(5);
    await invite(place, 'raced@made.test');
    const token = await tokenFor('raced@made.test');
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => accept(token, index)));
    t.equal(answers.filter(({ status }) => status === 200).length, 1);
    isCalm(t, answers);
    t.equal(await membersOf(place.accountId), 1);
    t.equal(await seatsOf(place.accountId), 1);
    const events = await ctx.db
      .selectFrom('events')
      .select('type')
      .where('accountId', '=', place.accountId)
      .where('type', 'in', ['invitation.accepted', 'user.activated'])
      .execute();
    t.equal(events.length, 2);
  });

  t.test('RC-15: twenty are invited at once for five seats: five are', async (t) => {
    const place = await makePlace(5);
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => invite(place, `wanted-${index}@made.test`)),
    );
    t.equal(tries.filter(({ status }) => status === 'fulfilled').length, 5);
    for (const one of tries) if (one.status === 'rejected') t.match(one.reason, { code: 'no_free_seat' });
    const other = await makeUser(ctx);
    await makeMember(ctx, other.id, place.accountId);
    await t.rejects(
      inTransaction(ctx, (tx) => assignSeat(tx, { ...place, userId: other.id })),
      { code: 'no_free_seat' },
      'what is kept counts as used',
    );
  });

  t.test('RC-15: twenty accept at once when only five seats are left: five get in', async (t) => {
    const place = await makePlace(20);
    const emails = Array.from({ length: 20 }, (_, index) => `late-${index}@made.test`);
    for (const email of emails) await invite(place, email);
    const tokens = await Promise.all(emails.map(tokenFor));
    await ctx.db
      .updateTable('subscriptions')
      .set({ seats: 5 })
      .where('accountId', '=', place.accountId)
      .execute();
    const answers: Answer[] = [];
    // who was not even looked at, because too many were hashing, comes again
    let waiting = [...tokens];
    while (waiting.length > 0) {
      const round = await Promise.all(waiting.map((token, index) => accept(token, index)));
      answers.push(...round);
      waiting = waiting.filter((_, index) => round[index]?.status === 503);
    }
    const done = answers.filter(({ status }) => status !== 503);
    t.equal(done.filter(({ status }) => status === 200).length, 5);
    t.same([...new Set(done.map(({ status }) => status))].sort(), [200, 409]);
    t.equal(await seatsOf(place.accountId), 5);
    t.equal(await membersOf(place.accountId), 5, 'and the others are no members');
  });

  t.test('RC-13: what is sent along changes neither account, address nor role', async (t) => {
    const place = await makePlace(5);
    const foreign = await makePlace(5);
    await invite(place, 'plain@made.test');
    const token = await tokenFor('plain@made.test');
    const more = {
      role: 'admin',
      account: foreign.accountId,
      account_id: foreign.accountId,
      email: 'thief@made.test',
      products: [foreign.productId],
    };
    t.equal((await accept(token, 0, more)).status, 200);
    t.equal(await membersOf(foreign.accountId), 0);
    const rows = await ctx.db
      .selectFrom('memberships')
      .innerJoin('users', 'users.id', 'memberships.userId')
      .select(['users.email', 'memberships.role'])
      .where('accountId', '=', place.accountId)
      .execute();
    t.same(rows, [{ email: 'plain@made.test', role: 'agent' }]);
  });

  t.test('tokens of another kind, cut or made up, are no invitation', async (t) => {
    const place = await makePlace(5);
    await invite(place, 'tokens@made.test');
    const token = await tokenFor('tokens@made.test');
    const wrong = [token.slice(0, -1), `${token}A`, token.toUpperCase(), 'none', '', 'A'.repeat(43)];
    for (const one of wrong) t.equal((await accept(one, 0)).status, 410, one);
    const reset = await new Agent(origins[0] ?? '').post('/password-resets/complete', {
      json: { token, password },
      headers: sameOrigin,
    });
    t.equal(reset.status, 410);
    const rows = await ctx.db
      .selectFrom('invitations')
      .innerJoin('users', 'users.id', 'invitations.userId')
      .select(['invitations.id', 'invitations.tokenHash', 'invitations.inviter', 'invitations.locale'])
      .where('users.email', '=', 'tokens@made.test')
      .execute();
    t.notOk(JSON.stringify(rows).includes(token));
    t.notOk(output().includes(token), 'nor in the log');
  });
});
