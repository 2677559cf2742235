/**
 * Forgotten passwords under attack, by the ids of docs/security.md. Nothing is swept away while these run: what has
 * expired is refused because it is looked at.
 */
import t, { type Test } from 'tap';
import { sql } from 'kysely';
import { type Context, inTransaction } from '../../src/context.ts';
import { updatePassword } from '../../src/core/credentials/credentials.ts';
import { requestPasswordReset } from '../../src/core/password-resets/password-resets.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import { demoPassword } from '../../src/demo/world.ts';
import type { Failure } from '../../src/kernel/failures.ts';
import { basic, countEvents, demoParty, introspect, userinfo } from '../provider/requests.ts';
import { Agent, type Answer, type Send } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { createDatabase } from '../support/database.ts';
import { makeMember, makeUser } from '../support/make.ts';
import {
  callbackParams,
  demoClient,
  RelyingParty,
  signIn,
  submitPassword,
  toStep,
} from '../support/relying-party.ts';
import {
  askForReset,
  complete,
  mailedReset,
  mailedResets,
  mailsTo,
  newPassword,
  obtainReset,
  openLink,
} from '../support/reset.ts';
import { overhearStatements } from '../support/statements.ts';

const behindProxy = { env: { TRUSTED_PROXIES: '127.0.0.1' } };

t.test('RC-01 whoever asks learns nothing', async (t) => {
  const { databaseUrl, take } = await overhearStatements(t, await createDatabase(t));
  const app = await startApp(t, { databaseUrl, ...behindProxy });
  await makeUser(app.ctx, { email: 'gone@acme.test', state: 'deactivated' });
  let networks = 0;

  /** Asks for an address, then tries a code: everything that a browser sees of it, and the work it caused. */
  const attempt = async (email: string, accept: string) => {
    const browser = new Agent(app.issuer, accept);
    const headers = { 'x-forwarded-for': `192.0.2.${(networks += 1)}` };
    const send = (typed: Readonly<Record<string, string>>): Send =>
      accept === 'text/html' ? { form: typed, headers } : { json: typed, headers };
    take();
    const answers = [
      await browser.post('/password-resets', send({ email })),
      await browser.get('/password-resets/sent'),
      await browser.post('/password-resets/code', send({ code: '000000' })),
    ];
    await browser.post('/password-resets/code', send({ code: 'x' }));
    const statements = take();
    await app.runJob('password resets');
    take();
    answers.push(await browser.post('/password-resets/code', send({ code: 'x' })));
    return {
      seen: answers.map((answer) => withoutIds(answer, email)),
      statements: [...statements, '|', ...take()],
    };
  };

  for (const accept of ['application/json', 'text/html']) {
    const people = ['alan@acme.test', 'off@acme.test', 'invited@acme.test', 'gina@globex.test'];
    for (const email of [...people, 'gone@acme.test']) {
      t.test(`${accept}: ${email} and a stranger are one to the outside`, async (t) => {
        const person = await attempt(email, accept);
        const stranger = await attempt(email.replace(/^./, 'x'), accept);
        t.same(person.seen, stranger.seen, 'status, headers and bodies');
        t.same(person.statements, stranger.statements, 'and the same statements');
        t.notOk(
          person.statements
            .slice(0, person.statements.indexOf('|'))
            .some((text) => text.includes('"passwords"')),
        );
        app.advance(3600);
      });
    }
  }

  t.test('only who has a user is mailed', async (t) => {
    const rows = await app.ctx.db.selectFrom('mailOutbox').select('recipient').distinct().execute();
    const known = ['alan@acme.test', 'gina@globex.test', 'invited@acme.test', 'off@acme.test'];
    t.same(rows.map(({ recipient }) => recipient).sort(), known);
  });
});

t.test('recovery', async (t) => {
  const app = await startApp(t, behindProxy);
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const anybody = () => new Agent(issuer);
  const secrets = new Set<string>();
  const obtain = async (email: string, browser = anybody()) => {
    const mailed = await obtainReset(app, browser, email);
    secrets.add(mailed.token);
    for (const { value } of browser.cookies) secrets.add(value);
    return mailed;
  };
  const isDead = async (t: Test, token: string, why: string) => {
    const answer = await complete(anybody(), { token });
    t.equal(answer.status, 410, why);
    t.equal(answer.json().code, 'link_expired', why);
  };

  t.test('RC-02 nothing usable is stored, neither the token nor the code nor who asked', async (t) => {
    const browser = anybody();
    const { interaction } = (await toStep(browser, (await assist.start()).url)).json();
    await askForReset(browser, 'nobody-at-all@acme.test', interaction);
    const waiting = await dump(ctx);
    t.notMatch(waiting, 'nobody-at-all', 'an address that waits is sealed');
    t.notMatch(waiting, interaction);
    const { email } = await makeUser(ctx);
    const { token, code } = await obtain(email, browser);
    const stored = await dump(ctx);
    for (const secret of [token, `"${code}"`, interaction, ...browser.cookies.map(({ value }) => value)])
      t.notOk(stored.includes(secret));
    const left = await ctx.db
      .selectFrom('passwordResetRequests')
      .select('id')
      .where('emailSealed', 'is not', null)
      .execute();
    t.same(left, [], 'and wiped when it is decided');
  });

  t.test('RC-02 a token is good for its purpose, and nothing else is a reset token', async (t) => {
    const { email } = await makeUser(ctx);
    const browser = anybody();
    const { token, code } = await obtain(email, browser);
    t.equal((await anybody().get(`/sign-in/${token}`)).status, 410);
    t.notOk((await introspect(issuer, token))['active']);
    t.equal((await userinfo(issuer, token)).status, 401);
    const { tokens } = await signIn(anybody(), assist, 'ada@acme.test');
    const cookies = browser.cookies.map(({ value }) => value);
    for (const other of [code, tokens.access_token, tokens.refresh_token ?? '', ...cookies, 'none', ''])
      await isDead(t, other, 'not a token of a reset');
    t.equal((await complete(anybody(), { token })).status, 200);
  });

  t.test('RC-02 the code is worth nothing in another browser, nor after five tries', async (t) => {
    const { email } = await makeUser(ctx);
    const browser = anybody();
    const { code } = await obtain(email, browser);
    const type = (agent: Agent, typed: string) =>
      agent.post('/password-resets/code', { json: { code: typed } });
    t.equal((await type(anybody(), code)).status, 410);
    const thief = anybody();
    await obtain((await makeUser(ctx)).email, thief);
    t.equal((await type(thief, code)).status, 400);
    for (let tries = 0; tries < 5; tries += 1) t.equal((await type(browser, `x${code}`)).status, 400);
    t.equal((await type(browser, code)).status, 410, 'the right one comes too late');
  });

  t.test(
    'RC-02 guesses in parallel are counted before they are compared, and added up over the mails of a day',
    async (t) => {
      const { email } = await makeUser(ctx);
      const browser = anybody();
      const guess = () => browser.post('/password-resets/code', { json: { code: 'wrong' } });
      const statuses: number[] = [];
      for (let mail = 0; mail < 4; mail += 1) {
        await obtain(email, browser);
        statuses.push(...(await Promise.all(Array.from({ length: 20 }, guess))).map(({ status }) => status));
        app.advance(31 * 60);
      }
      t.equal(statuses.filter((status) => status === 400).length, 10, 'evaluated');
      t.equal(statuses.filter((status) => status === 429).length, 10, 'not even looked at');
      const { token } = await obtain(email, browser);
      t.equal((await complete(browser, { token })).status, 200, 'the link is untouched by that');
    },
  );

  t.test('RC-04 using one link kills the others', async (t) => {
    const { email } = await makeUser(ctx);
    for (let mail = 0; mail < 3; mail += 1) {
      await askForReset(anybody(), email);
      await app.runJob('password resets');
      app.advance(61);
    }
    const [first, second, third] = await mailedResets(app, email);
    t.equal((await complete(anybody(), { token: second?.token ?? '' })).status, 200);
    for (const dead of [first, second, third]) await isDead(t, dead?.token ?? '', 'all three are dead');
  });

  t.test('RC-04 a link dies with a change of the password, of the address, or of the user', async (t) => {
    const changes: Readonly<Record<string, (user: { id: string }) => Promise<unknown>>> = {
      password: ({ id }) =>
        inTransaction(ctx, (tx) => updatePassword(tx, id as `usr_${string}`, '$argon2id$x')),
      address: ({ id }) => changeUser(ctx, id, { email: `other-${id.slice(4).toLowerCase()}@example.test` }),
      deactivation: ({ id }) => changeUser(ctx, id, { state: 'deactivated' }),
      'being invited anew': ({ id }) => changeUser(ctx, id, { state: 'invited' }),
    };
    for (const [what, change] of Object.entries(changes)) {
      const user = await makeUser(ctx);
      const { token } = await obtain(user.email);
      await change(user);
      const before = await dumpUser(ctx, user.id);
      await isDead(t, token, what);
      t.same(await dumpUser(ctx, user.id), before, 'RC-11 and nothing has come of it');
    }
  });

  t.test('RC-05 no header of a request reaches the mail or an answer', async (t) => {
    const { email } = await makeUser(ctx);
    const forged = {
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'gopher',
      'x-forwarded-port': '666',
      'x-original-host': 'evil.test',
      forwarded: 'host=evil.test;proto=gopher',
    };
    const browser = anybody();
    const asked = await browser.post('/password-resets', { json: { email }, headers: forged });
    const { token } = await mailedReset(app, email);
    const opened = await browser.get(`/password-resets/open?token=${token}`, { headers: forged });
    t.equal(opened.headers.get('location'), '/password-resets/new');
    const done = await browser.post('/password-resets/complete', {
      json: { password: newPassword },
      headers: forged,
    });
    t.equal(done.status, 200);
    const mails = [...(await mailsTo(ctx, email)), ...(await mailsTo(ctx, email, 'password_changed'))];
    t.equal(mails.length, 2);
    t.notMatch(JSON.stringify([mails, asked.text, done.text, [...opened.headers]]), /evil|gopher|666/);
  });

  t.test('RC-06 one mail, to the stored address, whatever is sent as an address', async (t) => {
    const { email } = await makeUser(ctx);
    const before = await ctx.db.selectFrom('passwordResetRequests').select('id').execute();
    const forms = [`email=${email}&email=attacker@evil.test`, `email[]=${email}&email[]=attacker@evil.test`];
    for (const body of forms) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      t.equal((await anybody().post('/password-resets', { body, headers })).status, 400);
    }
    const values: unknown[] = [
      [email, 'attacker@evil.test'],
      { email },
      `${email},attacker@evil.test`,
      `${email}\r\nBcc: attacker@evil.test`,
      `${email}\u0000`,
      `"${email}"@evil.test`,
      email.replace('k', '\u212a').replace('u', '\uff55'),
    ];
    for (const value of values) {
      const answer = await anybody().post('/password-resets', { json: { email: value } });
      t.equal(answer.status, 400, JSON.stringify(value));
      t.equal(answer.json().code, 'invalid_input');
    }
    t.same(
      await ctx.db.selectFrom('passwordResetRequests').select('id').execute(),
      before,
      'nothing is stored',
    );
    await askForReset(anybody(), ` ${email.toUpperCase()} `);
    t.equal((await mailedResets(app, email)).length, 1, 'but spaces and capitals are the same address');
  });

  t.test('RC-07 looking consumes nothing, however often, whoever looks', async (t) => {
    const { email } = await makeUser(ctx);
    const { token } = await obtain(email);
    const browser = anybody();
    for (let visit = 0; visit < 10; visit += 1) {
      for (const method of ['GET', 'HEAD']) {
        t.equal((await browser.send(`/password-resets/open?token=${token}`, { method })).status, 303);
        t.equal((await browser.send('/password-resets/new', { method })).status, 200);
      }
    }
    t.equal((await complete(browser)).status, 200);
  });

  t.test('RC-08 the link leaves no trace: headers, cookies, and one answer for a wrong one', async (t) => {
    const { email } = await makeUser(ctx);
    const { token } = await obtain(email);
    const right = await anybody().get(`/password-resets/open?token=${token}`);
    for (const wrong of [
      '',
      '?token=',
      '?token=wrong',
      '?token=%0d%0aset-cookie:x',
      `?token=${token}x`,
      '?token=a&token=b',
    ]) {
      const answer = await anybody().get(`/password-resets/open${wrong}`);
      t.same([answer.status, answer.location], [right.status, right.location], wrong);
      t.equal(answer.headers.getSetCookie().length, 1);
    }
    t.match(
      right.headers.get('set-cookie'),
      /^doorward_reset=[^;]+; Path=\/password-resets; Max-Age=1800; HttpOnly; SameSite=Lax$/,
    );
    t.equal(right.headers.get('cache-control'), 'no-store');
    t.equal(right.headers.get('referrer-policy'), 'no-referrer');
  });

  t.test('RC-08 a form of another site sets nothing', async (t) => {
    const { email } = await makeUser(ctx);
    const { token } = await obtain(email);
    for (const path of ['', '/code', '/complete']) {
      const headers = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
      const json = { token, password: newPassword, code: '000000', email };
      const answer = await anybody().post(`/password-resets${path}`, { json, headers });
      t.equal(answer.json().code, 'cross_site_request', path);
    }
    t.equal((await complete(anybody(), { token })).status, 200);
  });

  t.test('RC-09 and RC-10 nobody is signed in by it, and everybody who was is signed out', async (t) => {
    const { email } = await makeUser(ctx);
    const { id: userId } = await ctx.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', email)
      .executeTakeFirstOrThrow();
    await joinAcme(ctx, userId);
    const confidential = demoParty(issuer, 'confidential', 'openid offline_access');
    const victim = anybody();
    const { tokens } = await signIn(victim, assist, email);
    const asking = await confidential.start({ prompt: 'consent' });
    const consent = (await victim.follow(asking.url.href)).json();
    const granted = await victim.post(consent.actions.consent.href, { json: { granted: true } });
    const back = await victim.follow(granted.json().location);
    const offline = await confidential.finish(back.location, asking);
    t.match(offline.scope, /offline_access/);
    t.ok(tokens.refresh_token);

    const browser = anybody();
    const { token } = await obtain(email, browser);
    await openLink(browser, token);
    const done = await complete(browser);
    t.equal(done.status, 200);
    t.notOk(
      browser.cookies.some(({ name }) => name.includes('session')),
      'no session cookie',
    );
    const silent = await browser.follow((await assist.start({ prompt: 'none' })).url.href);
    t.equal(callbackParams(silent).get('error'), 'login_required');

    t.equal(
      callbackParams(await victim.follow((await assist.start({ prompt: 'none' })).url.href)).get('error'),
      'login_required',
    );
    t.equal(await refusal(assist.refresh(tokens.refresh_token ?? '')), 'invalid_grant');
    t.equal(await refusal(confidential.refresh(offline.refresh_token ?? '')), 'invalid_grant');
    t.equal((await userinfo(issuer, tokens.access_token)).status, 401);
    t.notOk(
      (await introspect(issuer, tokens.access_token, basic('demo-confidential', 'demo-confidential-secret')))[
        'active'
      ],
    );
    t.equal(
      (await ctx.db.selectFrom('sessions').select('uid').where('userId', '=', userId).execute()).length,
      0,
    );
  });

  t.test('RC-11 nothing of the user changes but the password', async (t) => {
    const { id, email } = await makeUser(ctx);
    await changeUser(ctx, id, { emailVerifiedAt: null });
    const { token } = await obtain(email);
    const before = await dumpUser(ctx, id);
    t.equal((await complete(anybody(), { token })).status, 200);
    const after = await dumpUser(ctx, id);
    t.same(after.user, before.user);
    t.not(after.hash, before.hash);
  });

  t.test('RC-12 a mailbox gets five mails an hour at most, and the account stays usable', async (t) => {
    const { email } = await makeUser(ctx);
    let networks = 0;
    const ask = () =>
      anybody().post('/password-resets', {
        json: { email },
        headers: { 'x-forwarded-for': `198.51.100.${(networks += 1)}` },
      });
    const answers: Answer[] = await Promise.all(Array.from({ length: 60 }, ask));
    for (let minutes = 0; minutes < 20; minutes += 1) {
      app.advance(61);
      answers.push(await ask(), await ask());
    }
    t.equal(answers.length, 100);
    t.same([...new Set(answers.map(({ status, text }) => `${status} ${text}`))].length, 1, 'nobody is told');
    t.equal((await mailedResets(app, email)).length, 5);
    const browser = anybody();
    const step = await toStep(browser, (await assist.start()).url);
    t.equal((await submitPassword(browser, step, email)).status, 200);
    app.advance(3600);
    await ask();
    t.equal((await mailedResets(app, email)).length, 6, 'and the next hour is another');
  });

  t.test('RC-12 one network is slowed down, whoever it asks for, and only that one', async (t) => {
    const ask = (ip: string, n: number) =>
      anybody().post('/password-resets', {
        json: { email: `nobody-${n}@example.test` },
        headers: { 'x-forwarded-for': ip },
      });
    const answers = await Promise.all(Array.from({ length: 70 }, (_, n) => ask(`2001:db8:1:2::${n}`, n)));
    t.equal(answers.filter(({ status }) => status === 202).length, 60);
    const refused = answers.filter(({ status }) => status === 429);
    t.equal(refused.length, 10);
    t.ok(refused.every(({ headers }) => Number(headers.get('retry-after')) > 3000));
    t.equal((await ask('2001:db8:1:3::1', 71)).status, 202);
    app.advance(3601);
    t.equal((await ask('2001:db8:1:2::1', 72)).status, 202);
  });

  t.test('RC-12 nor can a thousand networks together flood the service', async (t) => {
    app.advance(3600);
    const request = { handle: 'h', clientId: undefined, locale: 'en' };
    const ask = (n: number) =>
      inTransaction({ ...ctx, origin: { ip: `10.0.${n >> 8}.${n & 255}` } }, (tx) =>
        requestPasswordReset(tx, { ...request, email: `nobody-${n}@example.test` }),
      ).catch((error: unknown) => (error as Failure).code);
    const answers: unknown[] = [];
    // not all at once: more than stand in line for a connection would be turned away without being counted
    for (let n = 0; n < 620; n += 62)
      answers.push(...(await Promise.all(Array.from({ length: 62 }, (_, i) => ask(n + i)))));
    t.equal(answers.filter((answer) => answer === 'throttled').length, 20);
    app.advance(61);
    t.equal((await askForReset(anybody(), 'nobody@example.test')).status, 202);
  });

  t.test('RC-14 a link works for thirty minutes and not a second more', async (t) => {
    for (const [late, status] of [
      [30 * 60 - 2, 200],
      [30 * 60 + 1, 410],
    ] as const) {
      const { email } = await makeUser(ctx);
      const { token } = await obtain(email);
      app.advance(late);
      t.equal((await complete(anybody(), { token })).status, status, `${late} seconds`);
    }
    const rows = await ctx.db
      .selectFrom('passwordResets')
      .select('id')
      .where('expiresAt', '<', ctx.now())
      .execute();
    t.ok(rows.length > 0, 'the row is still there');
  });

  t.test('RC-14 no mail outlives its link', async (t) => {
    const { email } = await makeUser(ctx);
    await obtain(email);
    const [mail] = await mailsTo(ctx, email);
    const { expiresAt } = await ctx.db
      .selectFrom('passwordResets')
      .select('expiresAt')
      .where('email', '=', email)
      .executeTakeFirstOrThrow();
    t.same(mail?.expiresAt, expiresAt);
  });

  t.test('RC-16 the person is told that the password was changed, once, and the trail has it', async (t) => {
    const { id, email } = await makeUser(ctx);
    const { token } = await obtain(email);
    const before = await countEvents(ctx, 'password.changed');
    t.equal((await complete(anybody(), { token, password: 'short' })).status, 422);
    t.equal((await mailsTo(ctx, email, 'password_changed')).length, 0, 'not for what did not happen');
    await complete(anybody(), { token });
    await complete(anybody(), { token });
    t.equal((await mailsTo(ctx, email, 'password_changed')).length, 1);
    t.equal(await countEvents(ctx, 'password.changed'), before + 1);
    const events = await ctx.db
      .selectFrom('events')
      .select('type')
      .where('userId', '=', id)
      .orderBy('id')
      .execute();
    t.same(events.map(({ type }) => type).sort(), [
      'password.changed',
      'password_reset.completed',
      'password_reset.issued',
    ]);
  });

  t.test('RC-08 after all of this the log holds no token, code, cookie, address or password', (t) => {
    const log = app.lines.join('\n');
    t.ok(secrets.size > 20);
    for (const secret of secrets) t.notOk(log.includes(secret));
    t.notMatch(log, newPassword);
    t.notMatch(log, demoPassword);
    t.notMatch(log, /user-[0-9a-f]{8}@/);
    t.end();
  });
});

/** The error code of a token request that fails. */
function refusal(request: Promise<unknown>): Promise<unknown> {
  return request.then(
    () => 'none',
    (error: unknown) => (error as { error?: unknown }).error,
  );
}

function changeUser(ctx: Context, id: string, change: Readonly<Record<string, unknown>>): Promise<unknown> {
  return ctx.db
    .updateTable('users')
    .set(change)
    .where('id', '=', id as `usr_${string}`)
    .execute();
}

async function dumpUser(ctx: Context, id: string) {
  const userId = id as `usr_${string}`;
  const user = await ctx.db
    .selectFrom('users')
    .select(['id', 'email', 'emailVerifiedAt', 'name', 'locale', 'state', 'createdAt', 'updatedAt'])
    .where('id', '=', userId)
    .executeTakeFirstOrThrow();
  const password = await ctx.db
    .selectFrom('passwords')
    .select('hash')
    .where('userId', '=', userId)
    .executeTakeFirst();
  return { user, hash: password?.hash };
}

/** Every row of every table, as a thief of a dump would read it. */
async function dump(ctx: Context): Promise<string> {
  const { rows } = await sql<{
    tablename: string;
  }>`select tablename from pg_tables where schemaname = 'public'`.execute(ctx.db);
  const texts = rows.map(async ({ tablename }) => {
    const table = await sql<{
      row: string;
    }>`select to_jsonb(rows)::text as row from ${sql.table(tablename)} as rows`.execute(ctx.db);
    return table.rows.map(({ row }) => row).join('\n');
  });
  return (await Promise.all(texts)).join('\n');
}

/** Makes a member of Acme with a seat on Assist out of somebody: takes the one that is free. */
async function joinAcme(ctx: Context, userId: `usr_${string}`): Promise<void> {
  const account = await ctx.db
    .selectFrom('accounts')
    .select('id')
    .where('slug', '=', 'acme')
    .executeTakeFirstOrThrow();
  const product = await ctx.db
    .selectFrom('products')
    .select('id')
    .where('slug', '=', 'assist')
    .executeTakeFirstOrThrow();
  await makeMember(ctx, userId, account.id);
  await inTransaction(ctx, (tx) => assignSeat(tx, { accountId: account.id, productId: product.id, userId }));
}

/** All that a browser sees, but for what differs with every request, whoever asks. */
function withoutIds(answer: Answer, email: string) {
  const masks: [string | RegExp, string][] = [
    [email, '<email>'],
    [answer.headers.get('x-request-id') ?? '', '<request>'],
  ];
  const masked = (text: string) => masks.reduce((rest, [what, name]) => rest.replaceAll(what, name), text);
  const headers = Array.from(answer.headers, ([name, value]) => {
    if (name === 'date') return name;
    return `${name}: ${name === 'set-cookie' ? value.replaceAll(/=[^;]*/g, '') : masked(value)}`;
  });
  return { status: answer.status, headers, text: masked(answer.text) };
}
