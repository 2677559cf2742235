/**
 * Random walks of the linking machine, over HTTP: people come back from providers, type passwords and codes that are
 * right, wrong or somebody else's, say yes, begin again and unlink, in any order. After each step nothing may be true
 * that must not be.
 */
import t from 'tap';
import { inTransaction } from '../../src/context.ts';
import type { Evidence } from '../../src/core/credentials/credentials.ts';
import type { SocialIdentity } from '../../src/core/identities/identities.ts';
import { unlinkIdentity } from '../../src/core/linking/linking.ts';
import type { UserId } from '../../src/kernel/ids.ts';
import { open } from '../../src/kernel/seal.ts';
import { returnToSignIn } from '../../src/provider/interactions.ts';
import { Agent, type Answer } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { makeUser } from '../support/make.ts';
import { demoClient, RelyingParty, submitPassword, toStep } from '../support/relying-party.ts';
import { pick, seeded } from '../support/worlds.ts';

const seed = Number(process.env['WALK_SEED'] ?? 20_261_126);

t.test(`random walks of the linking machine (seed ${seed})`, async (t) => {
  const random = seeded(seed);
  const app = await startApp(t, { env: { TRUSTED_PROXIES: '127.0.0.1', SIGN_UP: 'open' } });
  const { issuer, ctx } = app;
  const assist = new RelyingParty(issuer, demoClient(issuer, 'assist'));
  const people = await Promise.all([
    makeUser(ctx, { email: 'proven@walk.test', password: 'the password of proven' }),
    makeUser(ctx, { email: 'second@walk.test', password: 'the password of second' }),
    makeUser(ctx, { email: 'squatted@walk.test', password: 'the password of squatted' }),
    makeUser(ctx, { email: 'invited@walk.test', state: 'invited', password: null }),
    makeUser(ctx, { email: 'off@walk.test', state: 'deactivated', password: 'the password of off' }),
  ]);
  await ctx.db
    .updateTable('users')
    .set({ emailVerifiedAt: null })
    .where('email', 'in', ['squatted@walk.test', 'invited@walk.test'])
    .execute();
  const emails: readonly [string, ...string[]] = ['stranger@walk.test', ...people.map(({ email }) => email)];
  const passwordOf = (email: string) => `the password of ${email.split('@')[0]}`;
  const externals = (['google', 'github'] as const).flatMap((provider) =>
    [1, 2, 3, 4].map((n): SocialIdentity => ({
      provider,
      issuer: `https://${provider}.example`,
      subject: `${provider}-${n}`,
      emailTrust: 'none',
      attributes: {},
      amr: [],
    })),
  );

  const owners = new Map<string, UserId>();
  const seen = { links: 0, claims: 0, creations: 0, unlinks: 0, refusals: 0 };
  /** What the last answer allows to have come into being. */
  const check = async (what: string, allowed: string | undefined) => {
    const rows = await ctx.db
      .selectFrom('identities')
      .innerJoin('users', 'users.id', 'identities.userId')
      .leftJoin('passwords', 'passwords.userId', 'users.id')
      .select([
        'identities.id',
        'identities.userId',
        'identities.proof',
        'passwords.changedAt',
        'users.emailVerifiedAt',
      ])
      .execute();
    for (const { id, userId, proof, emailVerifiedAt } of rows) {
      const { method } = proof as { method: string };
      const owner = owners.get(id);
      if (owner !== undefined) {
        if (owner !== userId) t.fail(`${what}: an identity has moved`);
        continue;
      }
      owners.set(id, userId);
      if (method !== allowed) t.fail(`${what}: a link by ${method}, where ${String(allowed)} was proven`);
      if (emailVerifiedAt === null) t.fail(`${what}: a link of somebody whose mailbox nobody has proven`);
      if (method === 'sign_in') seen.links += 1;
      if (method === 'mail_code') seen.claims += 1;
      if (method === 'created') seen.creations += 1;
    }
    const doubled = await ctx.db
      .selectFrom('identities')
      .select(['userId', 'provider'])
      .where('unlinkedAt', 'is', null)
      .groupBy(['userId', 'provider'])
      .having((each) => each.fn.countAll(), '>', 1)
      .execute();
    t.strictSame(doubled, [], `${what}: two identities of one provider`);
  };

  const codeFor = async (email: string): Promise<string> => {
    const mail = await ctx.db
      .selectFrom('mailOutbox')
      .select(['id', 'secretsSealed'])
      .where('recipient', '=', email)
      .where('template', '=', 'link_code')
      .orderBy('id', 'desc')
      .executeTakeFirst();
    if (!mail) return '000000';
    const text = open(ctx.config.secretKeys, mail.secretsSealed ?? '', `mail_outbox/${mail.id}`);
    return (JSON.parse(text) as { code: string }).code;
  };

  let network = 0;
  const walk = async () => {
    const browser = new Agent(issuer);
    const email = pick(random, emails);
    const identity = {
      ...pick(random, externals as [SocialIdentity, ...SocialIdentity[]]),
      email,
      emailTrust: pick(random, ['authoritative', 'verified_once', 'none']),
    } as const;
    const started = await toStep(browser, (await assist.start()).url);
    const uid = started.json().interaction as string;
    await inTransaction(ctx, (tx) => returnToSignIn(tx, uid, { at: 'returned_social', identity }));
    let answer = await browser.get(`/sign-in/${uid}`);
    await check('coming back', identity.emailTrust === 'authoritative' ? 'created' : undefined);
    let isProven = false;
    for (let steps = 0; steps < 6; steps += 1) {
      const body = answer.json();
      if (answer.status >= 400) seen.refusals += 1;
      const step = (body.step?.step ? body.step : body) as {
        step: string;
        actions?: Record<string, { href: string }>;
      };
      const headers = { 'x-forwarded-for': `192.0.2.${(network = (network + 1) % 250)}` };
      const send = (name: string, json: object): Promise<Answer> =>
        browser.post(step.actions?.[name]?.href ?? `/sign-in/${uid}/${name}`, { json, headers });
      app.advance(61);
      switch (step.step) {
        case 'code': {
          const code = pick(random, [true, true, false]) ? await codeFor(email) : '123123';
          isProven = code !== '123123';
          answer = await send('code', { code });
          await check(
            'a code',
            isProven ? (answer.json().step === 'sign_in_to_link' ? undefined : codeProof()) : undefined,
          );
          break;
        }
        case 'sign_in_to_link': {
          const typed = pick(random, [email, email, 'second@walk.test']);
          const password = pick(random, [true, true, false])
            ? passwordOf(typed)
            : 'not the password of anybody';
          answer = await submitPassword(
            browser,
            answer.json().actions ? answer : await browser.get(`/sign-in/${uid}`),
            typed,
            password,
          );
          await check('a password', undefined);
          break;
        }
        case 'confirm_link': {
          answer = pick(random, [true, true, false])
            ? await send('link', { confirm: true })
            : await send('restart', {});
          await check('an answer', 'sign_in');
          break;
        }
        default:
          return;
      }
    }
    function codeProof(): string {
      return email === 'stranger@walk.test' ? 'created' : 'mail_code';
    }
  };

  const unlinkSomething = async () => {
    const row = await ctx.db
      .selectFrom('identities')
      .select(['id', 'userId'])
      .where('unlinkedAt', 'is', null)
      .orderBy('lastUsedAt', pick(random, ['asc', 'desc']))
      .executeTakeFirst();
    if (!row) return;
    const evidence: Evidence[] = [{ method: 'pwd', at: ctx.now().toISOString() }];
    const outcome = await unlinkIdentity(ctx, { userId: row.userId, evidence, identityId: row.id }).then(
      () => 'unlinked',
      (error: unknown) => (error as { code?: string }).code,
    );
    if (outcome === 'unlinked') seen.unlinks += 1;
    else t.equal(outcome, 'last_way_in');
    const ways = await ctx.db
      .selectFrom('users')
      .leftJoin('passwords', 'passwords.userId', 'users.id')
      .leftJoin('identities', (join) =>
        join.onRef('identities.userId', '=', 'users.id').on('identities.unlinkedAt', 'is', null),
      )
      .select(['passwords.userId as password', 'identities.id as identity'])
      .where('users.id', '=', row.userId)
      .execute();
    t.ok(
      ways.some(({ password, identity }) => password !== null || identity !== null),
      'nobody is locked out',
    );
  };

  for (let round = 0; round < 80; round += 1) {
    await walk();
    if (round % 8 === 7) await unlinkSomething();
  }
  const squatted = people[2];
  const passwords = await ctx.db
    .selectFrom('passwords')
    .select('userId')
    .where('userId', '=', squatted.id)
    .execute();
  const claimed = [...owners.values()].includes(squatted.id);
  if (claimed) t.strictSame(passwords, [], 'a user that was claimed keeps no earlier secret');
  for (const [what, count] of Object.entries(seen)) t.ok(count > 0, `${what}: ${count}`);
  t.comment(JSON.stringify(seen));
});
