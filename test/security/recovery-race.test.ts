/** RC-03: of everybody who uses a mailed link at the same moment, on two processes, one sets a password. */
import argon2 from 'argon2';
import t, { type Test } from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import { insertRequest, insertReset } from '../../src/core/password-resets/queries.ts';
import { newId } from '../../src/kernel/ids.ts';
import { addSeconds, minute } from '../../src/kernel/time.ts';
import { newToken } from '../../src/kernel/tokens.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { countWaiting, createDatabase } from '../support/database.ts';
import { type MadeUser, makeUser } from '../support/make.ts';
import { startReplicas } from '../support/replicas.ts';
import { mailsTo } from '../support/reset.ts';

t.test('two replicas', async (t) => {
  const { origins, ctx, output } = await startReplicas(t, { count: 2, databaseUrl: await createDatabase(t) });

  /** Each racer with a token and a password of its own, to the replicas in turn. */
  const race = (tokens: readonly string[]): Promise<Answer[]> =>
    Promise.all(
      tokens.map((token, index) =>
        new Agent(origins[index % origins.length] ?? '').post('/password-resets/complete', {
          json: { token, password: passwordOf(index) },
          headers: { 'sec-fetch-site': 'same-origin' },
        }),
      ),
    );

  const check = async (t: Test, user: MadeUser, answers: readonly Answer[]) => {
    const won = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
    t.equal(won.length, 1, 'one succeeds');
    const others = new Set(answers.map(({ status }) => status));
    others.delete(200);
    others.delete(503); // too many were hashing: it was not even tried
    t.same([...others], [410], 'for the others the link is dead');
    const stored = await ctx.db
      .selectFrom('passwords')
      .select('hash')
      .where('userId', '=', user.id)
      .executeTakeFirstOrThrow();
    t.ok(
      await argon2.verify(stored.hash, passwordOf(won[0] ?? -1)),
      'and its password is the one that is set',
    );
    const live = await ctx.db
      .selectFrom('passwordResets')
      .select('id')
      .where('userId', '=', user.id)
      .where('consumedAt', 'is', null)
      .execute();
    t.same(live, []);
    const events = await ctx.db
      .selectFrom('events')
      .select('type')
      .where('userId', '=', user.id)
      .where('type', '=', 'password.changed')
      .execute();
    t.equal(events.length, 1);
    t.equal((await mailsTo(ctx, user.email, 'password_changed')).length, 1, 'one mail');
  };

  t.test('fifty racers with one token', async (t) => {
    const user = await makeUser(ctx);
    const token = await makeReset(ctx, user);
    await check(t, user, await race(Array.from({ length: 50 }, () => token)));
  });

  t.test('ten racers with ten tokens of one person', async (t) => {
    const user = await makeUser(ctx);
    const tokens: string[] = [];
    for (let made = 0; made < 10; made += 1) tokens.push(await makeReset(ctx, user));
    await check(t, user, await race(tokens));
  });

  t.test('two links used in the same instant: the second finds itself dead', async (t) => {
    const user = await makeUser(ctx);
    const tokens = [await makeReset(ctx, user), await makeReset(ctx, user)];
    const waiting = () => countWaiting(ctx.db);
    let answers: Promise<Answer[]> | undefined;
    // whoever sets the password now is held up in the middle of it, until both are
    await inTransaction(ctx, async (tx) => {
      await tx.db.selectFrom('passwords').select('hash').where('userId', '=', user.id).forUpdate().execute();
      answers = race(tokens);
      while ((await waiting()) < 2);
    });
    await check(t, user, (await answers) ?? []);
  });

  t.notMatch(output(), 'unexpected error');
});

const passwordOf = (racer: number): string => `what racer number ${racer} had thought of`;

/** A mailed link without its mail, which the replicas would send before it could be read here. */
async function makeReset(ctx: Context, { id: userId }: MadeUser): Promise<string> {
  const { token, hash: tokenHash } = newToken();
  const unused = newToken().hash;
  const requestId = newId('prr', ctx.now());
  await inTransaction(ctx, async (tx) => {
    const request = { id: requestId, handleHash: unused, recipientHash: unused, emailSealed: null };
    await insertRequest(tx, { ...request, clientId: null, locale: 'en' });
    const id = newId('pwr', tx.now());
    const expiresAt = addSeconds(tx.now(), 30 * minute);
    await insertReset(tx, { id, requestId, userId, tokenHash, codeHash: unused, expiresAt });
  });
  return token;
}
