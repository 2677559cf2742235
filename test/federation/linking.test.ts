/**
 * Account linking over HTTP, by the cases of federation.md, section 6: what a verified social identity can reach, and what
 * it cannot. The identities are handed to the sign-in as the connector hands them over; how they are verified is
 * tested with the dialects.
 */
import t, { type Test } from 'tap';
import { inTransaction } from '../../src/context.ts';
import { hashPassword, updatePassword } from '../../src/core/credentials/credentials.ts';
import type { SocialIdentity } from '../../src/core/identities/identities.ts';
import type { UserId } from '../../src/kernel/ids.ts';
import { open } from '../../src/kernel/seal.ts';
import { returnToSignIn } from '../../src/provider/interactions.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { makeUser } from '../support/make.ts';
import { demoClient, RelyingParty, signIn, submitPassword, toStep } from '../support/relying-party.ts';

function external(but: Partial<SocialIdentity> = {}): SocialIdentity {
  return {
    provider: 'google',
    issuer: 'https://accounts.google.com',
    subject: `sub-${Math.random().toString(36).slice(2)}`,
    email: 'alan@acme.test',
    emailTrust: 'verified_once',
    name: 'Somebody at Google',
    attributes: {},
    amr: [],
    ...but,
  };
}

async function startLinking(t: Test, env: Record<string, string> = {}) {
  const app = await startApp(t, { env });
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  /** A browser that its provider has just sent back with this identity. */
  const comeBack = async (identity: SocialIdentity, browser = new Agent(issuer)) => {
    const started = await assist.start();
    const step = await toStep(browser, started.url);
    const uid = step.json().interaction as string;
    await inTransaction(ctx, (tx) => returnToSignIn(tx, uid, { at: 'returned_social', identity }));
    return { browser, started, step: await browser.get(`/sign-in/${uid}`), uid };
  };
  const act = (browser: Agent, step: Answer, name: string, json: object = {}) =>
    browser.post(step.json().actions[name].href, { json });
  const finish = async (browser: Agent, done: Answer, started: Awaited<ReturnType<typeof assist.start>>) =>
    assist.finish((await browser.follow(done.json().location)).location, started);
  const identities = (userId: UserId) =>
    ctx.db.selectFrom('identities').select(['subject', 'proof']).where('userId', '=', userId).execute();
  return { app, issuer, ctx, assist, comeBack, act, finish, identities };
}

async function mailedCode({ ctx }: TestApp, recipient: string): Promise<string> {
  const mail = await ctx.db
    .selectFrom('mailOutbox')
    .select(['id', 'secretsSealed'])
    .where('recipient', '=', recipient)
    .where('template', '=', 'link_code')
    .orderBy('id', 'desc')
    .executeTakeFirstOrThrow();
  const secrets = JSON.parse(
    open(ctx.config.secretKeys, mail.secretsSealed ?? '', `mail_outbox/${mail.id}`),
  ) as {
    code: string;
  };
  return secrets.code;
}

async function userIdOf({ ctx }: TestApp, email: string): Promise<UserId> {
  const query = ctx.db.selectFrom('users').select('id').where('email', '=', email);
  return (await query.executeTakeFirstOrThrow()).id;
}

t.test('an existing user', async (t) => {
  const { app, ctx, assist, comeBack, act, finish, identities } = await startLinking(t);
  const alan = await userIdOf(app, 'alan@acme.test');
  const identity = external();

  t.test(
    'L01 the same email: no session yet, they sign in their way and say yes, and then it is linked',
    async (t) => {
      const { browser, step, started } = await comeBack(identity);
      t.match(step.json(), {
        step: 'sign_in_to_link',
        external: { provider: 'google', email: 'alan@acme.test' },
        email: 'alan@acme.test',
      });
      t.strictSame(await ctx.db.selectFrom('sessions').select('uid').execute(), []);
      const confirm = await submitPassword(browser, step, 'alan@acme.test');
      t.match(confirm.json(), { step: 'confirm_link', user: { email: 'alan@acme.test' } });
      t.strictSame(await identities(alan), [], 'not before they have said yes');
      const done = await act(browser, confirm, 'link', { confirm: true });
      t.match(done.json(), { step: 'done' });
      const tokens = await finish(browser, done, started);
      t.match(tokens.claims(), { sub: alan, amr: ['pwd', 'fed'] });
      t.match(await identities(alan), [
        { subject: identity.subject, proof: { method: 'sign_in', evidence: ['pwd'] } },
      ]);
      const mails = await ctx.db
        .selectFrom('mailOutbox')
        .select('recipient')
        .where('template', '=', 'social_identity_linked')
        .execute();
      t.strictSame(mails, [{ recipient: 'alan@acme.test' }]);
    },
  );

  t.test('a password that was reset after it was proven leaves no other way in behind', async (t) => {
    const before = await identities(alan);
    const { browser, step } = await comeBack(external({ provider: 'github' }));
    const confirm = await submitPassword(browser, step, 'alan@acme.test');
    t.match(confirm.json(), { step: 'confirm_link' });
    const hash = await hashPassword(ctx, 'what the owner has just set');
    const row = ctx.db.selectFrom('passwords').select(['hash', 'changedAt']);
    const old = await row.where('userId', '=', alan).executeTakeFirstOrThrow();
    await inTransaction(ctx, (tx) => updatePassword(tx, alan, hash));
    t.match(await act(browser, confirm, 'link', { confirm: true }), { status: 410 });
    t.strictSame(await identities(alan), before);
    await ctx.db.updateTable('passwords').set(old).where('userId', '=', alan).execute();
  });

  t.test('R4 the second time straight through, whatever address the provider says now', async (t) => {
    const { browser, step, started } = await comeBack({ ...identity, email: 'renamed@elsewhere.test' });
    t.match(step.json(), { step: 'done' });
    t.match((await finish(browser, step, started)).claims(), { sub: alan, amr: ['fed'] });
  });

  t.test('P04 another subject with the same email is somebody else until proven', async (t) => {
    const { step } = await comeBack(external({ emailTrust: 'authoritative' }));
    t.match(step.json(), { step: 'sign_in_to_link' });
  });

  t.test('L02 somebody else signs in instead: nothing is linked', async (t) => {
    const other = external({ provider: 'github', email: 'alan@acme.test' });
    const { browser, step } = await comeBack(other);
    const answer = await submitPassword(browser, step, 'ada@acme.test');
    t.match(answer.json(), { code: 'link_mismatch', step: { step: 'sign_in_to_link' } });
    const wrong = await submitPassword(browser, step, 'alan@acme.test', 'not the password of anybody');
    t.match(wrong.json(), { code: 'invalid_credentials', step: { step: 'sign_in_to_link' } });
    t.equal((await identities(await userIdOf(app, 'ada@acme.test'))).length, 0);
    t.equal((await identities(alan)).length, 1);
  });

  t.test('L03 a second account of the same provider does not ride on the first one', async (t) => {
    const { browser, step } = await comeBack(external());
    const confirm = await submitPassword(browser, step, 'alan@acme.test');
    const answer = await act(browser, confirm, 'link', { confirm: true });
    t.match(answer.json(), { code: 'identity_taken', status: 409 });
    t.equal((await identities(alan)).length, 1);
  });

  t.test('L04 what waited is gone with a restart, an abort, and its hour', async (t) => {
    for (const leave of ['restart', 'abort'] as const) {
      const { browser, step } = await comeBack(external({ provider: 'linkedin' }));
      const confirm = await submitPassword(browser, step, 'alan@acme.test');
      await act(browser, confirm, leave);
      const late = await act(browser, confirm, 'link', { confirm: true });
      t.ok([409, 410].includes(late.status), leave);
    }
    const { browser, step } = await comeBack(external({ provider: 'linkedin' }));
    const confirm = await submitPassword(browser, step, 'alan@acme.test');
    app.advance(3700);
    t.equal((await act(browser, confirm, 'link', { confirm: true })).status, 410);
    app.advance(-3700);
    t.equal((await identities(alan)).length, 1);
  });

  t.test('L07 an identity that is linked elsewhere never moves', async (t) => {
    const { step } = await comeBack({ ...identity, email: 'ada@acme.test' });
    t.match(step.json(), { step: 'done' }, 'it is still the sign-in of its user');
    t.equal((await identities(await userIdOf(app, 'ada@acme.test'))).length, 0);
  });

  t.test('L08 one identity linked in two browsers at once: one wins', async (t) => {
    const raced = external({ provider: 'facebook', email: 'ada@acme.test' });
    const tabs = await Promise.all(
      [0, 1].map(async () => {
        const { browser, step } = await comeBack(raced);
        return { browser, confirm: await submitPassword(browser, step, 'ada@acme.test') };
      }),
    );
    const answers = await Promise.all(
      tabs.map(({ browser, confirm }) => act(browser, confirm, 'link', { confirm: true })),
    );
    t.strictSame(answers.map(({ status }) => status).sort(), [200, 409]);
    t.equal((await identities(await userIdOf(app, 'ada@acme.test'))).length, 1);
  });

  t.test('L09 a link is made by the form of our own page alone', async (t) => {
    const { browser, step, uid } = await comeBack(external({ provider: 'apple', email: 'ada@acme.test' }));
    const confirm = await submitPassword(browser, step, 'ada@acme.test');
    t.equal((await browser.get(`/sign-in/${uid}/link?confirm=true`)).status, 404);
    const forged = await browser.post(`/sign-in/${uid}/link`, {
      json: { confirm: true },
      headers: { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' },
    });
    t.equal(forged.status, 403);
    t.equal((await act(browser, confirm, 'link', {})).status, 400, 'nor without a yes');
    t.equal(
      (await new Agent(app.issuer).post(`/sign-in/${uid}/link`, { json: { confirm: true } })).status,
      410,
    );
  });

  t.test('somebody who is switched off learns it when they have shown who they are', async (t) => {
    const { email: gone } = await makeUser(app.ctx, { state: 'deactivated' });
    for (const email of [gone, 'off@acme.test']) {
      const { browser, step } = await comeBack(external({ email }));
      t.match(step.json(), { step: 'sign_in_to_link' });
      const confirm = await submitPassword(browser, step, email);
      t.match((await act(browser, confirm, 'link', { confirm: true })).json(), {
        step: 'denied',
        code: 'user_deactivated',
      });
    }
  });

  t.test('a required domain is the company’s business, and nothing is kept', async (t) => {
    const { step } = await comeBack(external({ email: 'gina@globex.test', emailTrust: 'authoritative' }));
    t.match(step.json(), {
      step: 'company',
      login_hint: 'gina@globex.test',
      problem: { code: 'sso_required' },
    });
  });

  t.test(
    'a session by a provider is good for every product, and for the next sign-in nobody is asked',
    async (t) => {
      const { browser, step, started } = await comeBack(identity);
      await finish(browser, step, started);
      const meet = new RelyingParty(app.issuer, demoClient(app.issuer, 'meet'));
      const silent = await meet.start({ prompt: 'none' });
      t.match((await browser.follow(silent.url.href)).location, /[?&]code=/);
      t.ok(assist);
    },
  );
});

t.test('somebody whose mailbox nobody has proven', async (t) => {
  const { app, ctx, comeBack, act, identities } = await startLinking(t);

  t.test('L06 whatever was made under the address before is gone after the code', async (t) => {
    const user = await makeUser(ctx, { email: 'hijacked@acme.test', password: 'the attacker set this one' });
    await ctx.db.updateTable('users').set({ emailVerifiedAt: null }).where('id', '=', user.id).execute();
    const attacker = new Agent(app.issuer);
    const attempt = await submitPassword(
      attacker,
      (await comeBack(external(), attacker)).step,
      'hijacked@acme.test',
      'the attacker set this one',
    );
    t.ok(attempt.status >= 200);
    await ctx.db
      .insertInto('identities')
      .values({
        id: 'idn_00000000000000000000000000',
        userId: user.id,
        provider: 'github',
        issuer: 'https://github.com/login/oauth',
        subject: 'the attackers',
        proof: '{}',
        createdAt: ctx.now(),
        lastUsedAt: ctx.now(),
      })
      .execute();
    const { browser, step } = await comeBack(
      external({ email: 'hijacked@acme.test', emailTrust: 'authoritative' }),
    );
    t.match(step.json(), { step: 'code', sent_to: 'h…@acme.test', purpose: 'prove_email' });
    const done = await act(browser, step, 'code', { code: await mailedCode(app, 'hijacked@acme.test') });
    t.match(done.json(), { step: 'denied', code: 'no_account' }, 'in, as far as they belong to an account');
    t.match(await identities(user.id), [{ proof: { method: 'mail_code' } }]);
    const passwords = await ctx.db
      .selectFrom('passwords')
      .select('userId')
      .where('userId', '=', user.id)
      .execute();
    t.strictSame(passwords, []);
    const verified = await ctx.db
      .selectFrom('users')
      .select('emailVerifiedAt')
      .where('id', '=', user.id)
      .execute();
    t.ok(verified[0]?.emailVerifiedAt);
  });

  t.test('L05 the code counts in the browser that started, five times, for ten minutes, once', async (t) => {
    const invited = external({ email: 'invited@acme.test' });
    const { browser, step, uid } = await comeBack(invited);
    t.match(step.json(), { step: 'code' });
    const code = await mailedCode(app, 'invited@acme.test');
    t.equal((await new Agent(app.issuer).post(`/sign-in/${uid}/code`, { json: { code } })).status, 410);
    const wrong = code === '000000' ? '000001' : '000000';
    const guesses = await Promise.all(
      Array.from({ length: 20 }, () => act(browser, step, 'code', { code: wrong })),
    );
    t.equal(guesses.filter(({ status }) => status === 400).length <= 5, true);
    t.equal((await act(browser, step, 'code', { code })).status, 429, 'not even the right one any more');
    const user = await userIdOf(app, 'invited@acme.test');
    t.strictSame(await identities(user), []);
  });

  t.test(
    'an invited person activates by their provider and the code, and is somebody from then on',
    async (t) => {
      app.advance(700);
      const { browser, step } = await comeBack(external({ email: 'invited@acme.test' }));
      t.match(step.json(), { step: 'code' });
      const done = await act(browser, step, 'code', { code: await mailedCode(app, 'invited@acme.test') });
      t.match(
        done.json(),
        { step: 'denied', code: 'no_account' },
        'their invitation is still to be accepted',
      );
      const user = await ctx.db
        .selectFrom('users')
        .select('state')
        .where('email', '=', 'invited@acme.test')
        .execute();
      t.strictSame(user, [{ state: 'active' }]);
    },
  );
});

t.test('somebody unknown', async (t) => {
  t.test('P01 P08 an address that the provider does not stand for says nothing of a user', async (t) => {
    const { app, ctx, comeBack, act, identities } = await startLinking(t);
    for (const email of ['ada@acme.test', 'nobody-at-all@acme.test']) {
      const { browser, step } = await comeBack(external({ email, emailTrust: 'none' }));
      t.match(step.json(), { step: 'code', problem: null }, email);
      const after = await act(browser, step, 'code', { code: await mailedCode(app, email) });
      t.match(
        after.json(),
        email === 'ada@acme.test'
          ? { step: 'sign_in_to_link' }
          : { code: 'identity_unknown', step: { step: 'identify' } },
      );
    }
    t.strictSame(await identities(await userIdOf(app, 'ada@acme.test')), []);
    const users = await ctx.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', 'nobody-at-all@acme.test')
      .execute();
    t.strictSame(users, []);
  });

  t.test('P06 without an address it is asked for, and proven', async (t) => {
    const { app, comeBack, act } = await startLinking(t);
    const { email: _none, ...identity } = external({ provider: 'facebook', emailTrust: 'none' });
    const { browser, step } = await comeBack(identity);
    t.match(step.json(), { step: 'code', sent_to: null, actions: { code: { fields: [{ name: 'email' }] } } });
    t.equal((await act(browser, step, 'code', { email: 'no address' })).status, 400);
    const sent = await act(browser, step, 'code', { email: 'Alan@ACME.test' });
    t.match(sent.json(), { step: 'code', sent_to: 'a…@acme.test' });
    const after = await act(browser, sent, 'code', { code: await mailedCode(app, 'alan@acme.test') });
    t.match(after.json(), { step: 'sign_in_to_link', email: 'alan@acme.test' });
  });

  t.test('sign-up is closed unless it is opened', async (t) => {
    const closed = await startLinking(t);
    const { step } = await closed.comeBack(
      external({ email: 'new@somewhere.test', emailTrust: 'authoritative' }),
    );
    t.match(step.json(), { step: 'identify', problem: { code: 'identity_unknown', case_id: String } });

    const { app, ctx, comeBack, act } = await startLinking(t, { SIGN_UP: 'open' });
    const authoritative = await comeBack(external({ email: 'new@gmail.test', emailTrust: 'authoritative' }));
    t.match(authoritative.step.json(), { step: 'denied', code: 'no_account' });
    const { browser, step: code } = await comeBack(external({ email: 'p03@somewhere.test' }));
    t.match(code.json(), { step: 'code' }, 'P03');
    const made = await act(browser, code, 'code', { code: await mailedCode(app, 'p03@somewhere.test') });
    t.match(made.json(), { step: 'denied', code: 'no_account' });
    const users = await ctx.db
      .selectFrom('users')
      .select(['email', 'state'])
      .where('email', 'in', ['new@gmail.test', 'p03@somewhere.test'])
      .orderBy('email')
      .execute();
    t.strictSame(users, [
      { email: 'new@gmail.test', state: 'active' },
      { email: 'p03@somewhere.test', state: 'active' },
    ]);
  });
});

t.test('the company vouches for the user of a waiting identity', async (t) => {
  const { app, comeBack, act, issuer } = await startLinking(t);
  const { bringBack, comeHome, signInAtIdp } = await import('../support/company.ts');
  const { browser, step } = await comeBack(external({ email: 'ian@initech.test' }));
  t.match(step.json(), { step: 'sign_in_to_link' });
  const left = await act(browser, step, 'company', { email: 'ian@initech.test' });
  t.match(left.json(), { step: 'redirect' });
  const back = await bringBack(browser, await signInAtIdp(browser, left.json().location, 'ian@initech.test'));
  const confirm = await comeHome(browser, back);
  t.match(confirm.json(), { step: 'confirm_link', external: { provider: 'google' } });
  t.match((await act(browser, confirm, 'link', { confirm: true })).json(), { step: 'done' });
  t.ok(app);
  t.ok(
    await signIn(
      new Agent(issuer),
      new RelyingParty(issuer, demoClient(issuer, 'assist')),
      'ian@initech.test',
    ),
  );
});
