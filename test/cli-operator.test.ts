/** What an operator does from a shell to accounts, people, mail and what is over: as processes. */
import { sql } from 'kysely';
import t from 'tap';
import { inTransaction } from '../src/context.ts';
import { enqueueMail } from '../src/core/outbox/outbox.ts';
import { parseEmail } from '../src/kernel/email-address.ts';
import { addSeconds, day } from '../src/kernel/time.ts';
import { startApp, type TestApp } from './support/app.ts';
import { doorward } from './support/command.ts';
import { demoUserId } from './support/make.ts';
import { insertOver, makeParts } from './support/prunable.ts';

const json = (output: string) => JSON.parse(output) as Record<string, unknown>[];

function eventsOf({ ctx }: TestApp, prefix: string) {
  const query = ctx.db.selectFrom('events').select('type').where('type', 'like', `${prefix}.%`);
  return query.orderBy('id', 'desc').execute();
}

t.test('an account is made, shut out, let in again and closed', async (t) => {
  const app = await startApp(t);
  const stateOf = async (slug: string) =>
    app.ctx.db
      .selectFrom('accounts')
      .select(['status', 'expiresAt', 'graceDays'])
      .where('slug', '=', slug)
      .executeTakeFirst();
  const term = ['--until', '2027-12-31', '--grace-days', '14'];
  const made = await doorward(app, 'account', 'create', 'umbrella', 'Umbrella Corp.', ...term);
  t.equal(made.code, 0, made.errors);
  const expiresAt = new Date('2027-12-31');
  t.same(await stateOf('umbrella'), { status: 'active', expiresAt, graceDays: 14 });

  const asked = await doorward(app, 'account', 'lapse', 'umbrella');
  t.equal(asked.code, 2, 'nobody is there to say yes');
  t.equal((await stateOf('umbrella'))?.status, 'active');
  t.equal((await doorward(app, 'account', 'lapse', 'umbrella', '--yes')).code, 0);
  t.equal((await stateOf('umbrella'))?.status, 'lapsed');
  const listed = await doorward(app, 'account', 'list', '--status', 'lapsed', '--json');
  t.match(json(listed.output), [{ slug: 'umbrella', status: 'lapsed', grace_days: 14 }]);

  t.equal((await doorward(app, 'account', 'renew', 'umbrella')).code, 2, 'until when?');
  t.equal((await doorward(app, 'account', 'renew', 'umbrella', '--until', 'never')).code, 0);
  t.same(await stateOf('umbrella'), { status: 'active', expiresAt: null, graceDays: 14 });
  t.equal((await doorward(app, 'account', 'close', 'umbrella', '--yes')).code, 0);
  const again = await doorward(app, 'account', 'renew', 'umbrella', '--until', 'never');
  t.equal(again.code, 1, 'closed is closed');
  t.notMatch(again.errors, /\n {4}at /, 'no stack');
  t.same(
    (await eventsOf(app, 'account')).slice(0, 4).map(({ type }) => type),
    ['account.closed', 'account.renewed', 'account.lapsed', 'account.created'],
  );

  const refused = {
    'the slug is taken': ['create', 'acme', 'Acme'],
    'no such account': ['suspend', 'nowhere', '--yes'],
  };
  const misused = {
    'no slug': ['create', 'Not A Slug', 'Name'],
    'no name': ['create', 'nameless'],
    'no such day': ['create', 'dated', 'Name', '--until', '2027-02-31x'],
    'too much grace': ['create', 'graceful', 'Name', '--grace-days', '367'],
    'no such status': ['list', '--status', 'gone'],
  };
  for (const [why, args] of Object.entries({ ...refused, ...misused })) {
    const code = why in misused ? 2 : 1;
    t.match(await doorward(app, 'account', ...args), { code, output: '' }, why);
  }
});

t.test('a person is switched off everywhere, and on again', async (t) => {
  const app = await startApp(t);
  const stateOf = async (email: string) =>
    app.ctx.db.selectFrom('users').select('state').where('email', '=', email).executeTakeFirst();
  const gus = 'gus@acme.test';
  const id = await demoUserId(app.ctx, 'ada@acme.test');
  const listed = await doorward(app, 'user', 'list', '--email', 'Ada@acme.test', '--json');
  t.match(json(listed.output), [{ id, email: 'ada@acme.test', state: 'active', has_password: true }]);
  const people = await app.ctx.db.selectFrom('users').select('id').execute();
  t.equal(
    (await doorward(app, 'user', 'list', '--limit', '999')).output.trim().split('\n').length,
    people.length,
  );
  await sql`insert into users (id, email, state, created_at, updated_at)
    values ('usr_gus', ${gus}, 'active', now(), now())`.execute(app.ctx.db);

  t.equal((await doorward(app, 'user', 'deactivate', gus)).code, 2);
  t.equal((await doorward(app, 'user', 'deactivate', gus, '--yes')).code, 0);
  t.same(await stateOf(gus), { state: 'deactivated' });
  t.equal((await doorward(app, 'user', 'reactivate', gus)).code, 0);
  t.same(await stateOf(gus), { state: 'invited' }, 'who had never come in');
  t.equal((await doorward(app, 'user', 'deactivate', 'nobody@acme.test', '--yes')).code, 1);
});

t.test('a mail that was given up is tried again', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  const recipient = parseEmail('ada@acme.test');
  if (!recipient) throw new Error('not an email address');
  await inTransaction(ctx, (tx) =>
    enqueueMail(tx, { template: 'password_changed', recipient, locale: 'en', data: {} }),
  );
  await ctx.db.updateTable('mailOutbox').set({ state: 'dead', lastError: 'EENVELOPE' }).execute();
  const listed = await doorward(app, 'outbox', 'list', '--state', 'dead', '--json');
  const [mail = {}] = json(listed.output);
  t.match(mail, { template: 'password_changed', recipient, state: 'dead', last_error: 'EENVELOPE' });
  t.notOk('data' in mail || 'secrets_sealed' in mail);
  t.equal((await doorward(app, 'outbox', 'retry', String(mail['id']))).code, 0);
  t.same(await ctx.db.selectFrom('mailOutbox').select(['state', 'attempts']).execute(), [
    { state: 'pending', attempts: 0 },
  ]);
  t.equal((await doorward(app, 'outbox', 'retry', 'mail_none')).code, 1);
  t.equal((await doorward(app, 'outbox', 'list', '--state', 'sent')).output, 'none\n');
});

t.test('what is over is counted, and deleted', async (t) => {
  const app = await startApp(t, { demo: false });
  const { db } = app.ctx;
  const longAgo = addSeconds(app.ctx.now(), -500 * day);
  await insertOver(db, await makeParts(db, longAgo), longAgo);
  const sessions = () => db.selectFrom('sessions').select('uid').execute();
  const countsOf = (output: string) =>
    (JSON.parse(output) as { tables: { count: number }[] }).tables.map(({ count }) => count);

  const dry = await doorward(app, 'prune', '--dry-run', '--json');
  t.equal(dry.code, 0, dry.errors);
  t.ok(countsOf(dry.output).every((count) => count >= 1));
  t.equal((await sessions()).length, 1);
  const done = await doorward(app, 'prune', '--json', '--progress');
  t.match(done.errors, /^\w+(: \d+ rows)?, \d+ s\n$/m);
  t.same(countsOf(done.output), countsOf(dry.output));
  t.equal((await sessions()).length, 0);
  const more = await doorward(app, 'prune');
  t.match(
    more,
    { code: 0, errors: '' },
    'and once more; where it is not asked for, nothing is told of the way',
  );
});

t.test('--help says how a command is used, with an example, and does nothing', async (t) => {
  const app = await startApp(t);
  const { code, output } = await doorward(app, 'account', 'close', 'acme', '--yes', '--help');
  t.equal(code, 0);
  t.ok(output.includes('doorward account close'));
  const account = app.ctx.db.selectFrom('accounts').select('status').where('slug', '=', 'acme');
  t.same(await account.execute(), [{ status: 'active' }]);
});
