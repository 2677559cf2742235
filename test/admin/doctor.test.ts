/** The login doctor: what it foretells of the demo world comes true, and what an account's admin may not know it keeps. */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import { type Diagnosis, diagnoseSignIn, type Question } from '../../src/core/doctor/doctor.ts';
import { createInvitation } from '../../src/core/invitations/invitations.ts';
import { linkSocialIdentity } from '../../src/core/identities/identities.ts';
import { assignSeat } from '../../src/core/seats/seats.ts';
import { demoPeople } from '../../src/demo/world.ts';
import { parseEmail } from '../../src/kernel/email-address.ts';
import type { AccountId } from '../../src/kernel/ids.ts';
import { Agent } from '../support/agent.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { doorward } from '../support/command.ts';
import { demoConnection, makeColleague, routeBy } from '../support/demo-company.ts';
import { makeMember, makeUser } from '../support/make.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from '../support/relying-party.ts';
import { endingOf, tryCompany, tryPassword } from '../support/walks.ts';

type Asked = Pick<Question, 'email'> & Partial<Question>;

function diagnose({ ctx }: TestApp, asked: Asked): Promise<Diagnosis> {
  return diagnoseSignIn(ctx.db, { clientId: 'demo-assist', config: ctx.config, now: ctx.now(), ...asked });
}

const statusOf = ({ checks }: Diagnosis, name: string) => checks.find((check) => check.name === name)?.status;
const wayOf = ({ ways }: Diagnosis, kind: string) => ways.find(({ way }) => way.kind === kind);

async function accountId({ ctx }: TestApp, slug: string): Promise<AccountId> {
  const query = ctx.db.selectFrom('accounts').select('id').where('slug', '=', slug);
  return (await query.executeTakeFirstOrThrow()).id;
}

async function typeWrong({ issuer }: TestApp, email: string, times: number): Promise<void> {
  const browser = new Agent(issuer);
  const party = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const step = await toStep(browser, (await party.start()).url);
  for (let time = 0; time < times; time += 1) await submitPassword(browser, step, email, 'not the password');
}

const clients = [
  'assist',
  'meet',
  'native',
  'confidential',
  'third-party',
  'admin',
  'service',
  'operator',
] as const;

t.test('for everybody of the demo world and every client the doctor says what then happens', async (t) => {
  const app = await startApp(t);
  for (const { email } of [...demoPeople, { email: 'nobody@nowhere.test' }, { email: 'new@globex.test' }]) {
    for (const client of clients) {
      const what = `${email} at demo-${client}`;
      const asked = { email, client };
      const told = await diagnose(app, { email, clientId: `demo-${client}` });
      const byPassword = wayOf(told, 'password');
      if (!byPassword) throw new Error('the password is always among the ways');
      t.strictSame(endingOf(byPassword), await tryPassword(app, asked), `${what} by password`);
      const byCompany = wayOf(told, 'company');
      if (byCompany)
        t.strictSame(endingOf(byCompany), await tryCompany(app, asked), `${what} by the company`);
      const rest = told.ways.map(({ outcome }) => outcome);
      t.ok(rest.includes(told.verdict.outcome));
      const isIn = ['allowed', 'choose_account'].includes(told.verdict.outcome);
      t.equal(
        told.firstFailure === undefined,
        isIn,
        `${what}: a check fails if and only if they do not get in`,
      );
      const last = told.checks.at(-1);
      t.match(last, {
        name: 'decision',
        ...(told.verdict.code !== undefined && { code: told.verdict.code }),
      });
    }
  }
});

t.test('the first check that fails is where it stops, and it says who can help', async (t) => {
  const app = await startApp(t);
  const switchedOff = await makeUser(app.ctx, { state: 'deactivated' });
  const failures: readonly (readonly [asked: Asked, name: string, code: string])[] = [
    [{ email: 'not an address' }, 'email', 'invalid_input'],
    [{ email: 'nobody@nowhere.test' }, 'user', 'invalid_credentials'],
    [{ email: 'off@acme.test' }, 'membership', 'user_deactivated'],
    [{ email: switchedOff.email }, 'user', 'user_deactivated'],
    [{ email: 'invited@acme.test' }, 'user', 'user_not_activated'],
    [{ email: 'ada@acme.test', clientId: 'nobody' }, 'client', 'invalid_client'],
    [{ email: 'ada@acme.test', clientId: 'demo-service' }, 'client', 'invalid_redirect_uri'],
    [{ email: 'lonely@nowhere.test' }, 'membership', 'no_account'],
    [{ email: 'ada@acme.test', account: 'initech' }, 'membership', 'no_account'],
    [{ email: 'lea@lapsed.test' }, 'account', 'account_lapsed'],
    [{ email: 'ian@initech.test', clientId: 'demo-meet' }, 'subscription', 'product_not_subscribed'],
    [{ email: 'noseat@acme.test' }, 'seat', 'no_seat'],
    [{ email: 'alan@acme.test', clientId: 'demo-admin' }, 'decision', 'role_required'],
  ];
  for (const [asked, name, code] of failures) {
    const told = await diagnose(app, asked);
    const what = JSON.stringify(asked);
    t.equal(told.firstFailure, name, what);
    const check = told.checks.find((one) => one.name === name);
    t.equal(check?.code, code, what);
    t.ok(check?.remedies.every(({ who, text }) => who.length > 0 && text.length > 0));
    t.ok((check?.remedies.length ?? 0) > 0, what);
  }
});

t.test('an address that is throttled is, and one way more makes a warning of it', async (t) => {
  const app = await startApp(t);
  await typeWrong(app, 'ian@initech.test', 5);
  await typeWrong(app, 'ada@acme.test', 5);
  const ada = await diagnose(app, { email: 'ada@acme.test' });
  t.match(ada, { firstFailure: 'throttle', verdict: { outcome: 'cannot_prove', code: 'throttled' } });
  t.strictSame(endingOf(ada.verdict), await tryPassword(app, { email: 'ada@acme.test', client: 'assist' }));
  const ian = await diagnose(app, { email: 'ian@initech.test' });
  t.match(ian, { firstFailure: undefined, verdict: { outcome: 'allowed', way: { kind: 'company' } } });
  t.equal(statusOf(ian, 'throttle'), 'warning');
  app.advance(60);
  t.match(await diagnose(app, { email: 'ada@acme.test' }), { verdict: { outcome: 'allowed' } });
});

t.test('a connection that does not lead there is named, with what is wrong with it', async (t) => {
  const app = await startApp(t);
  await routeBy(app.ctx, 'saml', { state: 'pilot', pilotEmails: ['greg@globex.test'] });
  const gina = await diagnose(app, { email: 'gina@globex.test' });
  t.match(gina, { verdict: { outcome: 'cannot_prove', way: { kind: 'password' } } });
  t.match(
    gina.checks.find(({ name }) => name === 'connection'),
    {
      status: 'warning',
      code: 'connection_not_available',
      evidence: { connections: [{ state: 'pilot', leads: false, in_pilot: false }] },
    },
  );
  await routeBy(app.ctx, 'saml', { state: 'required' });
  const { id, settings } = await demoConnection(app.ctx, 'saml');
  const refusing = JSON.stringify({ ...settings, refuseExpiredCertificates: true });
  await app.ctx.db.updateTable('connections').set({ settings: refusing }).where('id', '=', id).execute();
  app.advance(400 * 86_400);
  const expired = await diagnose(app, { email: 'gina@globex.test' });
  t.match(expired, { firstFailure: 'connection', verdict: { code: 'saml_certificate_expired' } });
});

t.test('a diagnosis writes nothing', async (t) => {
  const app = await startApp(t);
  const rows = async () => {
    const counts: Record<string, unknown> = {};
    for (const table of [
      'users',
      'events',
      'throttles',
      'connectionAttempts',
      'memberships',
      'seats',
    ] as const)
      counts[table] = await app.ctx.db
        .selectFrom(table)
        .select((s) => s.fn.countAll().as('n'))
        .execute();
    return counts;
  };
  const before = await rows();
  await diagnose(app, { email: 'new@globex.test' });
  await diagnose(app, { email: 'nobody@nowhere.test', within: await accountId(app, 'acme') });
  t.strictSame(await rows(), before);
});

t.test('for an admin of one account', async (t) => {
  const app = await startApp(t, { social: true });
  const { ctx } = app;
  const acme = await accountId(app, 'acme');
  const globex = await accountId(app, 'globex');
  const initech = await accountId(app, 'initech');
  const now = ctx.now();
  await ctx.db.updateTable('subscriptions').set({ seats: 100 }).where('accountId', '=', initech).execute();
  const askWithin = async (within: AccountId, email: string) =>
    JSON.stringify(await diagnose(app, { email, within, now }));

  /** A member of Initech alone, with a seat, a password and a social identity, whom somebody tries to guess. */
  const makeForeigner = async (email: string, state: 'active' | 'deactivated' = 'active') => {
    const { id } = await makeUser(ctx, { email, state });
    await makeMember(ctx, id, initech);
    await inTransaction(ctx, async (tx) => {
      const products = tx.db.selectFrom('products').select('id').where('slug', '=', 'assist');
      const { id: productId } = await products.executeTakeFirstOrThrow();
      await assignSeat(tx, { accountId: initech, productId, userId: id });
      const identity = {
        provider: 'google',
        issuer: 'https://accounts.google.com',
        subject: email,
        attributes: {},
        amr: [],
        emailTrust: 'none',
      } as const;
      await linkSocialIdentity(tx, { userId: id, identity, email, proof: { method: 'created' } });
    });
    await typeWrong(app, email, 6);
  };

  for (const [within, email, state] of [
    [acme, 'foreign@plain.example', 'active'],
    [acme, 'switched-off@plain.example', 'deactivated'],
    [acme, 'foreign@initech.test', 'active'],
    [globex, 'foreign@globex.test', 'active'],
  ] as const) {
    t.test(`${email}, ${state} elsewhere, reads like an address that nobody has`, async (t) => {
      const nobody = await askWithin(within, email);
      await makeForeigner(email, state);
      t.equal(await askWithin(within, email), nobody, 'to the byte');
      t.not(JSON.stringify(await diagnose(app, { email, now })), nobody, 'but not for an operator');
    });
  }

  for (const state of ['active', 'deactivated'] as const) {
    t.test(`somebody invited reads alike whether or not they are ${state} elsewhere`, async (t) => {
      const invite = async (to: string) => {
        const email = parseEmail(to);
        if (!email) throw new Error('not an address');
        const invitation = { accountId: acme, email, role: 'agent', products: [] } as const;
        await inTransaction(ctx, (tx) => createInvitation(tx, invitation));
      };
      await invite(`new-${state}@plain.example`);
      await makeForeigner(`old-${state}@plain.example`, state);
      await invite(`old-${state}@plain.example`);
      const fresh = await askWithin(acme, `new-${state}@plain.example`);
      const known = await askWithin(acme, `old-${state}@plain.example`);
      t.equal(known.replaceAll('old-', 'new-'), fresh);
      t.match(JSON.parse(known), { firstFailure: 'user', verdict: { outcome: 'cannot_prove' } });
    });
  }

  t.test('of a member of two accounts only their own is spoken of', async (t) => {
    const told = await diagnose(app, { email: 'multi@acme.test', within: acme, now });
    t.match(told.verdict, { outcome: 'allowed', account: { id: acme } });
    const shown = JSON.stringify(told);
    t.notOk(shown.includes(initech));
    t.notMatch(shown, /Initech/);
    t.match(told.checks.find(({ name }) => name === 'membership')?.evidence, { count: 1 });
  });

  t.test('what a member proves themself with is yes or no', async (t) => {
    const email = 'social@plain.example';
    await makeForeigner(email);
    const { id } = await ctx.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', email)
      .executeTakeFirstOrThrow();
    await makeMember(ctx, id, acme);
    const told = await diagnose(app, { email, within: acme, now: ctx.now() });
    const evidence = (name: string) => told.checks.find((check) => check.name === name)?.evidence;
    t.strictSame(evidence('credential'), {
      password: true,
      break_glass: false,
      company: false,
      social: true,
    });
    t.strictSame(evidence('throttle'), { throttled: true });
    t.strictSame(wayOf(told, 'social')?.way, { kind: 'social' });
    t.notMatch(JSON.stringify(told), /google/);
  });

  t.test('their own company is spoken of, with its people', async (t) => {
    const email = await makeColleague(ctx, 'saml', 'colleague@globex.test');
    const told = await diagnose(app, { email, within: globex, now: ctx.now() });
    t.match(told.verdict, {
      outcome: 'allowed',
      way: { kind: 'company', connection: { accountId: globex } },
    });
  });
});

t.test('somebody who has a social identity', async (t) => {
  const app = await startApp(t, { social: true });
  const { ctx } = app;
  const link = async (email: string) => {
    const { id } = await ctx.db
      .selectFrom('users')
      .select('id')
      .where('email', '=', email)
      .executeTakeFirstOrThrow();
    const identity = {
      provider: 'github',
      issuer: 'https://github.com',
      subject: email,
      attributes: {},
      amr: [],
      emailTrust: 'none',
    } as const;
    await inTransaction(ctx, (tx) =>
      linkSocialIdentity(tx, { userId: id, identity, email, proof: { method: 'created' } }),
    );
  };
  await link('alan@acme.test');
  await link('greg@globex.test');
  const by = async (asked: Asked) => wayOf(await diagnose(app, asked), 'social');
  t.match(await by({ email: 'alan@acme.test' }), { outcome: 'allowed', way: { provider: 'github' } });
  t.match(
    await by({ email: 'greg@globex.test' }),
    { outcome: 'cannot_prove', code: 'sso_required' },
    'is not past the company, not even who breaks the glass',
  );
  const config = { ...ctx.config, social: {} };
  t.match(await by({ email: 'alan@acme.test', config }), {
    outcome: 'cannot_prove',
    code: 'social_sign_in_failed',
  });
});

t.test('from a shell: a line for each check, and an exit code that says whether they get in', async (t) => {
  const app = await startApp(t);
  const ask = (...args: string[]) => doorward(app, 'doctor', 'sign-in', ...args);
  const denied = await ask('noseat@acme.test', 'demo-assist');
  t.equal(denied.code, 1);
  t.match(denied.output, /^✓ user /m);
  t.match(denied.output, /^✗ seat +no_seat /m);
  t.match(denied.output, /^It fails at: seat\n {2}self: /m);
  t.equal((await ask('multi@acme.test', 'demo-assist', '--account', 'initech')).code, 0);
  t.equal((await ask('multi@acme.test', 'demo-assist')).code, 0, 'and with a choice to make');
  t.equal((await ask('multi@acme.test', 'demo-assist', '--account', 'globex')).code, 1);
  const wrong = await ask('multi@acme.test');
  t.match(wrong, { code: 2, output: '' });
  t.notMatch(wrong.errors, /\n {4}at /, 'no stack');
});
