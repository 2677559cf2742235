/** Many people from a file: which rows are taken, what becomes of each, and what a file cannot do. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { importUsers } from '../../src/core/imports/imports.ts';
import { createProduct } from '../../src/core/products/products.ts';
import { createSubscription } from '../../src/core/subscriptions/subscriptions.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import type { AccountId, ProductId } from '../../src/kernel/ids.ts';
import { startApp } from '../support/app.ts';
import { doorward } from '../support/command.ts';
import { chunksOf, importAll, jsonLines, words } from '../support/imports.ts';
import { makeAccount, makeMember, makeUser } from '../support/make.ts';

const bcrypt = '$2b$04$zbcdefghijklmnopqrstuu8Kj1hwnc2GLGe2WaK4HG8TO90W1L0rm';

/** What is on the heap and still needed. */
function keptBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

t.test('an import', async (t) => {
  const app = await startApp(t, { demo: false });
  const { ctx } = app;
  const productId = await inTransaction(ctx, (tx) => createProduct(tx, { slug: 'chat', name: 'Chat' }));
  await inTransaction(ctx, (tx) => createProduct(tx, { slug: 'unsold', name: 'Unsold' }));

  const subscribed = async (seats: number): Promise<AccountId> => {
    const accountId = await makeAccount(ctx);
    await inTransaction(ctx, (tx) =>
      createSubscription(tx, { accountId, productId, seats, startsAt: ctx.now() }),
    );
    return accountId;
  };
  const userOf = (email: string) =>
    ctx.db
      .selectFrom('users')
      .select(['id', 'name', 'locale', 'state', 'emailVerifiedAt'])
      .where('email', '=', email)
      .executeTakeFirst();
  const roleOf = async (accountId: AccountId, email: string) =>
    (
      await ctx.db
        .selectFrom('memberships')
        .innerJoin('users', 'users.id', 'memberships.userId')
        .select('role')
        .where('accountId', '=', accountId)
        .where('email', '=', email)
        .executeTakeFirst()
    )?.role;
  const seatsOf = async (accountId: AccountId) => {
    const count = (table: 'seats' | 'seatReservations') =>
      ctx.db.selectFrom(table).select('userId').where('accountId', '=', accountId).execute();
    return (await count('seats')).length + (await count('seatReservations')).length;
  };
  const eventsOf = (accountId: AccountId) =>
    ctx.db
      .selectFrom('events')
      .select(['type', 'actorId'])
      .where('accountId', '=', accountId)
      .where('type', 'not in', ['account.created', 'subscription.created'])
      .execute();

  t.test('makes active people with a password hash, and invites the others', async (t) => {
    const accountId = await subscribed(5);
    const file = jsonLines([
      {
        email: 'Ann@One.test',
        name: ' Ann One ',
        role: 'admin',
        products: ['chat'],
        password_hash: bcrypt,
        locale: 'de-ch',
        email_verified: true,
      },
      { email: 'bob@one.test', name: 'Bob One', products: ['chat', 'chat'], locale: 'fr' },
      { email: 'cid@one.test', state: 'active', name: null },
    ]);
    const done = await importAll(ctx, file, { accountId });
    t.same(
      done.rows.map(({ row, email, outcome }) => [row, email, outcome]),
      [
        [1, 'ann@one.test', 'created'],
        [2, 'bob@one.test', 'invited'],
        [3, 'cid@one.test', 'created'],
      ],
    );
    const counts = { created: 2, joined: 0, invited: 1, updated: 0, unchanged: 0, refused: 0 };
    t.same(done.summary, { rows: 3, counts, dryRun: false });
    const ann = await userOf('ann@one.test');
    t.match(ann, { name: 'Ann One', locale: 'de-CH', state: 'active', emailVerifiedAt: Date });
    t.match(await userOf('bob@one.test'), { name: 'Bob One', locale: 'fr', state: 'invited' });
    t.match(await userOf('cid@one.test'), { name: null, state: 'active', emailVerifiedAt: null });
    t.equal(await roleOf(accountId, 'ann@one.test'), 'admin');
    t.equal(await roleOf(accountId, 'bob@one.test'), undefined);
    t.equal(await seatsOf(accountId), 2);
    const mails = ctx.db.selectFrom('mailOutbox').select(['template', 'recipient', 'locale']);
    t.same(await mails.where('recipient', 'like', '%@one.test').execute(), [
      { template: 'invitation', recipient: 'bob@one.test', locale: 'fr' },
    ]);

    const again = await importAll(ctx, file, { accountId });
    t.same(words(again), ['unchanged', 'unchanged', 'unchanged']);
    t.equal((await mails.where('recipient', 'like', '%@one.test').execute()).length, 1);
  });

  t.test('changes a member’s role and seats, and nothing that is theirs', async (t) => {
    const accountId = await subscribed(5);
    const boss = await makeUser(ctx);
    await makeMember(ctx, boss.id, accountId, 'admin');
    const { id, email } = await makeUser(ctx);
    await makeMember(ctx, id, accountId);
    const before = await userOf(email);
    const hashBefore = await ctx.db
      .selectFrom('passwords')
      .select(['hash', 'changedAt'])
      .where('userId', '=', id)
      .execute();
    const row = {
      email,
      name: 'Another',
      locale: 'fr',
      password_hash: bcrypt,
      products: ['chat'],
      role: 'admin',
    };
    t.same(words(await importAll(ctx, jsonLines([row]), { accountId })), ['updated']);
    t.equal(await roleOf(accountId, email), 'admin');
    t.equal(await seatsOf(accountId), 1);
    t.same(await userOf(email), before);
    t.same(
      await ctx.db.selectFrom('passwords').select(['hash', 'changedAt']).where('userId', '=', id).execute(),
      hashBefore,
    );
    t.same(words(await importAll(ctx, jsonLines([row]), { accountId })), ['unchanged']);
    t.same(
      words(await importAll(ctx, jsonLines([{ email }]), { accountId })),
      ['unchanged'],
      'nothing is taken',
    );
  });

  t.test('joins somebody of another account, without touching what is theirs', async (t) => {
    const [elsewhere, accountId] = [await subscribed(5), await subscribed(5)];
    for (const state of ['active', 'deactivated', 'invited'] as const) {
      const { id, email } = await makeUser(ctx, { state, password: null });
      await makeMember(ctx, id, elsewhere);
      const before = await userOf(email);
      const row = { email, name: 'Another', locale: 'fr', password_hash: bcrypt, email_verified: true };
      const done = await importAll(ctx, jsonLines([row]), { accountId });
      t.same(done.rows, [{ row: 1, email, outcome: 'joined' }], state);
      t.equal(await roleOf(accountId, email), 'agent');
      t.same(await userOf(email), before);
      const stored = ctx.db.selectFrom('passwords').select('hash').where('userId', '=', id);
      t.same(await stored.execute(), []);
      t.same(words(await importAll(ctx, jsonLines([row]), { accountId })), ['unchanged']);
    }
  });

  t.test('by an account’s admin only invites, and tells nothing of who is a user already', async (t) => {
    const [elsewhere, accountId] = [await subscribed(5), await subscribed(5)];
    const active = await makeUser(ctx);
    await makeMember(ctx, active.id, elsewhere);
    const off = await makeUser(ctx, { state: 'deactivated' });
    const people = [active.email, off.email, 'nobody-yet@two.test'].map((email) => ({
      email,
      name: 'Some Body',
    }));
    for (const dryRun of [true, false]) {
      const done = await importAll(ctx, jsonLines(people), { accountId, mayVouch: false, dryRun });
      t.same(words(done), ['invited', 'invited', 'invited']);
    }
    t.same(words(await importAll(ctx, jsonLines(people), { accountId, mayVouch: false })), [
      'unchanged',
      'unchanged',
      'unchanged',
    ]);
    const vouching = [
      { email: 'v@two.test', password_hash: bcrypt },
      { email: 'w@two.test', email_verified: true },
      { email: 'x@two.test', state: 'active' },
    ];
    const refused = await importAll(ctx, jsonLines(vouching), { accountId, mayVouch: false });
    t.same(words(refused), ['invalid_input', 'invalid_input', 'invalid_input']);
    t.same(
      refused.rows.map(({ fields }) => Object.keys(fields ?? {})),
      [['password_hash'], ['email_verified'], ['state']],
    );
  });

  t.test('does not change an invitation that waits', async (t) => {
    const accountId = await subscribed(5);
    const email = parseEmail('waits@three.test');
    if (!email) throw new Error('not an address');
    const products: ProductId[] = [productId];
    await inTransaction(ctx, (tx) => createInvitation(tx, { accountId, email, role: 'agent', products }));
    const outcome = async (row: object) =>
      words(await importAll(ctx, jsonLines([{ email, ...row }]), { accountId }));
    t.same(await outcome({}), ['unchanged']);
    t.same(await outcome({ role: 'agent', products: ['chat'] }), ['unchanged']);
    t.same(await outcome({ role: 'admin' }), ['already_exists']);
    app.advance(8 * 86_400);
    t.same(await outcome({ role: 'admin' }), ['invited'], 'it has expired');
    t.same(await outcome({ state: 'active' }), ['joined']);
  });

  t.test('refuses a row as a whole, with every field that is wrong', async (t) => {
    const accountId = await subscribed(1);
    const nobody = 'nobody@four.test';
    const wrong: readonly (readonly [row: unknown, fields: readonly string[]])[] = [
      [{ email: 'not an address', role: 'owner', name: '' }, ['email', 'name', 'role']],
      [{ name: 'No Address' }, ['email']],
      [{ email: nobody, surname: 'x', 'a b': 1 }, ['row', 'surname']],
      [{ email: nobody, products: ['unsold'] }, ['products']],
      [{ email: nobody, products: ['no-such'] }, ['products']],
      [{ email: nobody, products: 'chat' }, ['products']],
      [{ email: nobody, password_hash: 'correct horse' }, ['password_hash']],
      [{ email: nobody, password_hash: bcrypt.replace('$04$', '$31$') }, ['password_hash']],
      [{ email: nobody, password_hash: bcrypt, state: 'invited' }, ['state']],
      [{ email: nobody, state: 'deactivated' }, ['state']],
      [{ email: nobody, locale: 'no language' }, ['locale']],
      [{ email: nobody, email_verified: 'yes' }, ['email_verified']],
      [{ email: nobody, name: 'NUL \0' }, ['name']],
      [{ email: nobody, name: 'half \ud800' }, ['name']],
      [{ email: `${nobody}\0` }, ['email']],
      [[nobody], ['row']],
      [nobody, ['row']],
      [null, ['row']],
    ];
    for (const [row, fields] of wrong) {
      const done = await importAll(ctx, `${JSON.stringify(row)}\n`, { accountId });
      t.same(words(done), ['invalid_input'], JSON.stringify(row));
      t.same(Object.keys(done.rows[0]?.fields ?? {}).sort(), fields, JSON.stringify(row));
    }
    t.equal(await userOf(nobody), undefined);
    t.same(await eventsOf(accountId), []);
  });

  t.test('a row that cannot have its seat is not applied, and an address counts once', async (t) => {
    const accountId = await subscribed(1);
    const seated = (email: string, state: string) => ({ email, state, products: ['chat'] });
    const file = jsonLines([
      seated('a@five.test', 'invited'),
      seated('b@five.test', 'active'),
      seated('c@five.test', 'invited'),
      { email: 'A@five.TEST' },
      { email: 'd@five.test', state: 'active' },
    ]);
    for (const dryRun of [true, false])
      t.same(words(await importAll(ctx, file, { accountId, dryRun })), [
        'invited',
        'no_free_seat',
        'no_free_seat',
        'duplicate_row',
        'created',
      ]);
    t.equal(await userOf('b@five.test'), undefined);
    t.equal(await userOf('c@five.test'), undefined);
  });

  t.test('never gives more seats than there are, also by two imports at once', async (t) => {
    const accountId = await subscribed(7);
    const people = (who: string) =>
      jsonLines(
        Array.from({ length: 12 }, (_, index) => ({
          email: `${who}-${index}@six.test`,
          products: ['chat'],
          state: index % 2 ? 'active' : 'invited',
        })),
      );
    const both = await Promise.all([
      importAll(ctx, people('x'), { accountId }),
      importAll(ctx, people('y'), { accountId }),
    ]);
    const refused = both.flatMap(words).filter((word) => word === 'no_free_seat');
    t.equal(refused.length, 24 - 7);
    t.equal(await seatsOf(accountId), 7);
  });

  t.test('of the same file twice at once makes everybody once', async (t) => {
    const accountId = await subscribed(50);
    const file = jsonLines(
      Array.from({ length: 30 }, (_, index) => ({
        email: `twin-${index}@seven.test`,
        products: ['chat'],
        name: 'Twin',
        state: index % 2 ? 'active' : 'invited',
      })),
    );
    const both = await Promise.all([
      importAll(ctx, file, { accountId }),
      importAll(ctx, file, { accountId }),
    ]);
    t.same(
      both.flatMap(words).filter((word) => !['created', 'invited', 'joined', 'unchanged'].includes(word)),
      [],
    );
    t.equal(await seatsOf(accountId), 30);
  });

  t.test('reads CSV as spreadsheets and databases write it', async (t) => {
    const accountId = await subscribed(5);
    const file = [
      '\ufeffemail,name,products,email_verified,state',
      '"q@eight.test","Quinn ""Q"", Jr.",chat,TRUE,active',
      '',
      'r@eight.test,,"chat; chat",,',
      ',,,,',
      's@eight.test,=HYPERLINK("x"),,,',
      '"t@eight.test","two\nlines",,,active',
      'u@eight.test,"=1+1",,false,active',
    ].join('\r\n');
    const wrongQuote = importAll(ctx, file, { accountId, format: 'csv', dryRun: true });
    await t.rejects(wrongQuote, { code: 'invalid_input', fields: { file: String } });
    const done = await importAll(ctx, file.replace('("x")', ''), { accountId, format: 'csv' });
    t.same(
      done.rows.map(({ row, email, code, outcome }) => [row, email, code ?? outcome]),
      [
        [2, 'q@eight.test', 'created'],
        [4, 'r@eight.test', 'invited'],
        [6, 's@eight.test', 'invited'],
        [7, 't@eight.test', 'invalid_input'],
        [8, 'u@eight.test', 'created'],
      ],
    );
    t.match(await userOf('q@eight.test'), { name: 'Quinn "Q", Jr.', emailVerifiedAt: Date });
    t.match(await userOf('u@eight.test'), { name: '=1+1', emailVerifiedAt: null }, 'text is text');
  });

  t.test('refuses a CSV file whose header does not fit', async (t) => {
    const accountId = await subscribed(5);
    const headers = ['', 'name', 'email,email', 'email,surname', 'email;name', 'email,__proto__', 'email,'];
    for (const header of headers) {
      const started = importAll(ctx, `${header}\nx@nine.test,y\n`, { accountId, format: 'csv' });
      await t.rejects(started, { code: 'invalid_input', fields: { file: String } }, header);
    }
    t.equal(await userOf('x@nine.test'), undefined);
  });

  t.test('outlives hostile files', async (t) => {
    const accountId = await subscribed(5);
    const good = JSON.stringify({ email: 'good@ten.test' });
    const lines = [
      `{"email":"long@ten.test","name":"${'x'.repeat(1024 * 1024)}"}`,
      `{"email":"proto@ten.test","__proto__":{"role":"admin"}}`,
      `{"email":"deep@ten.test","name":${'['.repeat(7000)}${']'.repeat(7000)}}`,
      '{"email":"cut@ten.test"',
      '{"email":"half@ten.test","name":"\\ud83d"}',
      '{"email":"nul@ten.test","name":"\\u0000"}',
      `{"email":"many@ten.test",${Array.from({ length: 900 }, (_, index) => `"m${index}":1`).join()}}`,
    ];
    const bytes = Buffer.concat([
      Buffer.from('\ufeff'),
      Buffer.from(lines.join('\r\n')),
      Buffer.from([0x0a, 0xff, 0xfe, 0x00, 0x0a]),
      Buffer.from(`\n \n${good}`),
    ]);
    for (const size of [1, 1000, bytes.length]) {
      const source = size === 1 ? chunksOf(bytes.subarray(1024 * 1024), 1) : chunksOf(bytes, size);
      const done = await importAll(ctx, '', { accountId, source, dryRun: true });
      t.equal(done.rows.at(-1)?.outcome, 'invited');
      t.equal(done.summary.counts.refused, 8, `in pieces of ${size}`);
      t.equal(done.summary.counts.invited, 1);
      for (const { fields } of done.rows) t.ok(Object.keys(fields ?? {}).length <= 20);
    }
    const csv = async (text: string | Buffer) =>
      importAll(ctx, text, { accountId, format: 'csv', dryRun: true });
    const unreadable = { code: 'invalid_input', fields: { file: String } };
    await t.rejects(csv(`email,name\na@ten.test,"${'x'.repeat(1024 * 1024)}"`), unreadable, 'a long field');
    await t.rejects(csv(`email,name\na@ten.test,"never ends\n${'b@ten.test,b\n'.repeat(9999)}`), unreadable);
    await t.rejects(csv(`email\n${','.repeat(4 * 1024 * 1024)}`), unreadable, 'nothing but commas');
    await t.rejects(csv(`email,name\na@ten.test,x"y"`), unreadable, 'a quote in the middle');
    t.same(words(await csv('email,name\na@ten.test,a,b\nb@ten.test')), ['invalid_input', 'invalid_input']);
    const latin1 = Buffer.from('email,name\na@ten.test,Zo\u00eb', 'latin1');
    t.same(words(await csv(latin1)), ['invalid_input'], 'letters of another encoding');
    t.same(words(await csv('email,name\na@ten.test,\u0000')), ['invalid_input'], 'NUL');
  });

  t.test('reads no further than it has come, however long the file is', async (t) => {
    const accountId = await subscribed(5);
    const count = 20_000;
    for (const format of ['jsonl', 'csv'] as const) {
      let read = 0;
      const source = async function* () {
        if (format === 'csv') yield 'email,role\n';
        for (; read < count; read += 1) {
          const [email, role] = [`p${read}@eleven.test`, read % 1000 === 0 ? 'agent' : 'owner'];
          yield format === 'csv' ? `${email},${role}\n` : jsonLines([{ email, role }]);
        }
      };
      let ahead = 0;
      let rows = 0;
      const counting = async function* () {
        for await (const chunk of source()) {
          ahead = Math.max(ahead, read - rows);
          yield chunk;
        }
      };
      const before = keptBytes();
      const input = { accountId, format, source: counting(), dryRun: true, mayVouch: true };
      for await (const line of importUsers(ctx, input)) if ('row' in line) rows += 1;
      t.equal(rows, count);
      t.ok(ahead <= 2, `${ahead} rows ahead`);
      const grown = keptBytes() - before;
      t.ok(grown < 16 * 1024 * 1024, `${grown} bytes are kept`);
    }
  });

  t.test('that is cut off says how much is done, and goes on when it is started again', async (t) => {
    const accountId = await subscribed(5);
    const people = Array.from({ length: 6 }, (_, index) => ({ email: `cut-${index}@twelve.test` }));
    const cut = async function* () {
      yield jsonLines(people.slice(0, 3));
      throw new Error('the connection is gone');
    };
    const started = importAll(ctx, '', { accountId, source: cut() });
    await t.rejects(started, { code: 'import_stopped', detail: /^3 rows/ });
    const outcomes = ['unchanged', 'unchanged', 'unchanged', 'invited', 'invited', 'invited'];
    t.same(words(await importAll(ctx, jsonLines(people), { accountId })), outcomes);
    const nowhere = importAll(ctx, '', { accountId: 'acc_00000000000000000000000000' });
    await t.rejects(nowhere, { code: 'not_found' });
  });

  t.test('names whoever imports in every event', async (t) => {
    const accountId = await subscribed(5);
    const acting = { ...ctx, origin: { ...ctx.origin, actorId: 'importing-client' } };
    const file = jsonLines([
      { email: 'a@thirteen.test', products: ['chat'], password_hash: bcrypt },
      { email: 'b@thirteen.test' },
    ]);
    await importAll(acting, file, { accountId });
    const events = await eventsOf(accountId);
    const types = ['invitation.created', 'membership.created', 'seat.assigned', 'user.created'];
    t.same(events.map(({ type }) => type).sort(), types);
    const imported = ctx.db.selectFrom('events').select('type').where('actorId', '=', 'importing-client');
    t.equal((await imported.where('type', '=', 'password.imported').execute()).length, 1);
    t.ok(events.every(({ actorId }) => actorId === 'importing-client'));
  });
});

t.test('somebody is imported from a shell', async (t) => {
  const app = await startApp(t);
  const dir = t.testdir({
    'people.csv': 'email,name,products\nnew@shell.test,New,assist\n',
    'wrong.jsonl': '{"email":"other@shell.test"}\n{"email":"nobody"}\n',
    people: 'email\nthird@shell.test\n',
  });
  const dry = await doorward(app, 'import', 'globex', `${dir}/people.csv`, '--dry-run', '--json');
  t.equal(dry.code, 0, dry.errors);
  t.same(
    dry.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
    [
      { row: 2, email: 'new@shell.test', outcome: 'invited' },
      {
        rows: 1,
        counts: { created: 0, joined: 0, invited: 1, updated: 0, unchanged: 0, refused: 0 },
        dry_run: true,
      },
    ],
  );
  const users = app.ctx.db.selectFrom('users').select('email').where('email', 'like', '%@shell.test');
  t.same(await users.execute(), []);
  t.equal((await doorward(app, 'import', 'globex', `${dir}/people.csv`)).code, 0);
  const some = await doorward(app, 'import', 'globex', `${dir}/wrong.jsonl`, '--progress');
  t.equal(some.code, 1, 'some rows were refused');
  t.match(some.output, /row 2/);
  t.match(some.errors, /2 rows/);
  t.equal((await doorward(app, 'import', 'globex', `${dir}/people`, '--format', 'csv')).code, 0);
  t.equal((await users.execute()).length, 3);
  t.equal((await doorward(app, 'import', 'nowhere', `${dir}/people.csv`)).code, 1);
  for (const args of [[], ['globex'], ['globex', `${dir}/people`]]) {
    const { code, output, errors } = await doorward(app, 'import', ...args);
    t.same({ code, output }, { code: 2, output: '' });
    t.notMatch(errors, /\n {4}at /, 'no stack');
  }
  t.equal((await doorward(app, 'import', 'globex', `${dir}/nothing.csv`)).code, 2);
});
