/** Passwords that come with an import: they let their people in, are ours from then on, and stand nowhere else. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { findAccountBySlug } from '../../src/core/accounts/accounts.ts';
import { claimUser, findLinkDecision, pendingOf } from '../../src/core/linking/linking.ts';
import type { AccountId } from '../../src/kernel/ids.ts';
import { demoParty } from '../provider/requests.ts';
import { Agent } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { dumpDatabase, formsOf } from '../support/canaries.ts';
import { importAll, jsonLines, words } from '../support/imports.ts';
import { submitPassword, toStep } from '../support/relying-party.ts';

const foreign = {
  bcrypt: ['correct horse', '$2b$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC'],
  scrypt: [
    'pleaseletmein',
    '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw',
  ],
  pbkdf2: [
    'password',
    '$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ',
  ],
} as const;

async function accountOf({ ctx }: TestApp, slug: string): Promise<AccountId> {
  const account = await findAccountBySlug(ctx.db, slug);
  if (!account) throw new Error('the world is incomplete');
  return account.id;
}

async function signIn({ issuer }: TestApp, email: string, password: string) {
  const browser = new Agent(issuer);
  const step = await toStep(browser, (await demoParty(issuer, 'assist').start()).url);
  return submitPassword(browser, step, email, password);
}

t.test('an imported password', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;
  await ctx.db.updateTable('subscriptions').set({ seats: 50 }).execute();
  const accountId = await accountOf(app, 'acme');
  const hashOf = async (email: string) =>
    (
      await ctx.db
        .selectFrom('passwords')
        .innerJoin('users', 'users.id', 'passwords.userId')
        .select('hash')
        .where('email', '=', email)
        .executeTakeFirst()
    )?.hash;

  for (const [scheme, [password, password_hash]] of Object.entries(foreign)) {
    t.test(`as ${scheme} signs its person in, and is one of ours from then on`, async (t) => {
      const email = `${scheme}@acme.test`;
      const file = jsonLines([{ email, password_hash, products: ['assist'] }]);
      t.same(words(await importAll(ctx, file, { accountId })), ['created']);
      t.equal(await hashOf(email), password_hash);
      t.equal((await signIn(app, email, `${password}!`)).status, 401);
      const done = await signIn(app, email, password);
      t.equal(done.status, 200);
      t.type((done.json() as { location?: string }).location, 'string', 'in, without another step');
      t.match(await hashOf(email), /^\$argon2id\$/);
      t.same(words(await importAll(ctx, file, { accountId })), ['unchanged']);
      t.match(await hashOf(email), /^\$argon2id\$/, 'ours stays');
    });
  }

  t.test('of a mailbox nobody has proven is gone once its owner has come', async (t) => {
    const email = 'claimed@acme.test';
    const row = { email, password_hash: foreign.bcrypt[1] };
    await importAll(ctx, jsonLines([row]), { accountId });
    const identity = {
      provider: 'google',
      issuer: 'https://accounts.google.com',
      subject: 'claims-it',
      email,
      emailTrust: 'verified_once',
      name: 'The Owner',
      attributes: {},
      amr: [],
    } as const;
    const pending = pendingOf(identity);
    t.equal((await findLinkDecision(ctx, pending)).does, 'prove_email');
    const decision = await findLinkDecision(ctx, { ...pending, emailProven: true });
    if (decision.does !== 'claim') throw new Error(`it is ${decision.does}`);
    const proof = { method: 'mail_code' } as const;
    await inTransaction(ctx, (tx) => claimUser(tx, decision.userId, { pending, proof }));
    t.equal((await signIn(app, email, foreign.bcrypt[0])).status, 401);
    t.same(words(await importAll(ctx, jsonLines([row]), { accountId })), ['unchanged']);
    t.equal(await hashOf(email), undefined, 'and does not come back');
  });

  t.test('of a mailbox that was proven stays until its person signs in', async (t) => {
    const email = 'proven@acme.test';
    await importAll(ctx, jsonLines([{ email, password_hash: foreign.bcrypt[1], email_verified: true }]), {
      accountId,
    });
    const pending = pendingOf({
      provider: 'google',
      issuer: 'https://accounts.google.com',
      subject: 'wants-it',
      email,
      emailTrust: 'verified_once',
      name: 'Somebody',
      attributes: {},
      amr: [],
    });
    t.equal((await findLinkDecision(ctx, pending)).does, 'sign_in_to_link');
  });

  t.test('opens no door where the company’s sign-in is required', async (t) => {
    const email = 'imported@globex.test';
    const file = jsonLines([{ email, password_hash: foreign.bcrypt[1], products: ['assist'] }]);
    t.same(words(await importAll(ctx, file, { accountId: await accountOf(app, 'globex') })), ['created']);
    const refused = await signIn(app, email, foreign.bcrypt[0]);
    t.notOk((refused.json() as { location?: string }).location);
    const sessions = ctx.db
      .selectFrom('events')
      .innerJoin('users', 'users.id', 'events.userId')
      .select('type')
      .where('type', '=', 'user.signed_in')
      .where('email', '=', email);
    t.same(await sessions.execute(), []);
  });

  t.test('stands in no log, no event and no mail, nor does a hash that was refused', async (t) => {
    const [, hash] = foreign.pbkdf2;
    const wrong = '$2b$31$wrongwrongwrongwrongwrongwrongwrongwrongwrongwrongwro';
    const rows = [
      { email: 'kept@acme.test', password_hash: hash },
      { email: 'wrong@acme.test', password_hash: wrong },
      { email: 'full@acme.test', password_hash: hash, products: ['meet', 'assist'] },
    ];
    await ctx.db.updateTable('subscriptions').set({ seats: 0 }).execute();
    const done = await importAll(ctx, jsonLines(rows), { accountId });
    t.same(words(done), ['created', 'invalid_input', 'no_free_seat']);
    const csv = `email,password_hash\nx@acme.test,"${hash}" "${wrong}"\n`;
    const failed = await importAll(ctx, csv, { accountId, format: 'csv' }).catch((error: unknown) => error);
    const said = JSON.stringify([done, failed]) + String((failed as Error).stack) + app.lines.join('\n');
    for (const secret of [hash, wrong])
      for (const form of formsOf(secret)) t.notOk(said.includes(form), 'nothing says it');
    await ctx.db.deleteFrom('passwords').execute();
    const { text } = await dumpDatabase(app.databaseUrl);
    for (const secret of [hash, wrong]) t.notOk(text.includes(secret), 'it stands with the passwords only');
  });
});
