/** How links end: by their owner, by an operator, by the provider; never the last way in, and not without a fresh sign-in. */
import t from 'tap';
import { type Context, inTransaction } from '../../src/context.ts';
import type { Evidence } from '../../src/core/credentials/credentials.ts';
import type { SocialIdentity } from '../../src/core/identities/identities.ts';
import {
  hearProvider,
  issueLinkTicket,
  linkOwnIdentity,
  removeIdentity,
  restoreIdentity,
  unlinkIdentity,
} from '../../src/core/linking/linking.ts';
import { newId, type UserId } from '../../src/kernel/ids.ts';
import { startApp } from '../support/app.ts';
import { doorward } from '../support/command.ts';
import { makeUser } from '../support/make.ts';

t.test('links', async (t) => {
  const app = await startApp(t);
  const { ctx } = app;
  const fresh = (): Evidence[] => [{ method: 'pwd', at: ctx.now().toISOString() }];
  const withGoogle = { ...ctx, config: { ...ctx.config, social: { google: {} } } } as unknown as Context;
  let subjects = 0;
  const external = (provider: SocialIdentity['provider']): SocialIdentity => ({
    provider,
    issuer: `https://${provider}.example`,
    subject: `subject-${(subjects += 1)}`,
    email: 'somebody@elsewhere.test',
    emailTrust: 'verified_once',
    attributes: {},
    amr: [],
  });
  const link = async (userId: UserId, provider: SocialIdentity['provider']) => {
    const identity = external(provider);
    await linkOwnIdentity(ctx, { userId, evidence: fresh(), identity });
    const query = ctx.db.selectFrom('identities').select('id').where('subject', '=', identity.subject);
    return { identity, identityId: (await query.executeTakeFirstOrThrow()).id };
  };
  const live = async (userId: UserId) => {
    const query = ctx.db.selectFrom('identities').select('provider').where('userId', '=', userId);
    return (await query.where('unlinkedAt', 'is', null).orderBy('provider').execute()).map(
      ({ provider }) => provider,
    );
  };

  t.test('L10 the last way in stays; of two taken away at once one does', async (t) => {
    const user = await makeUser(ctx, { password: null });
    const google = await link(user.id, 'google');
    const only = unlinkIdentity(ctx, { userId: user.id, evidence: fresh(), identityId: google.identityId });
    await t.rejects(only, { code: 'last_way_in' });
    const github = await link(user.id, 'github');
    const outcomes = await Promise.allSettled(
      [google, github].map(({ identityId }) =>
        unlinkIdentity(ctx, { userId: user.id, evidence: fresh(), identityId }),
      ),
    );
    t.strictSame(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    t.equal((await live(user.id)).length, 1);
  });

  t.test('a password is a way in, and so is the company', async (t) => {
    const withPassword = await makeUser(ctx);
    const one = await link(withPassword.id, 'google');
    await unlinkIdentity(ctx, { userId: withPassword.id, evidence: fresh(), identityId: one.identityId });
    t.strictSame(await live(withPassword.id), []);
    const ofCompany = await makeUser(ctx, { email: 'c@globex.test', password: null });
    const two = await link(ofCompany.id, 'google');
    await unlinkIdentity(ctx, { userId: ofCompany.id, evidence: fresh(), identityId: two.identityId });
    t.strictSame(await live(ofCompany.id), []);
  });

  t.test('nothing without a fresh sign-in, and nothing of somebody else', async (t) => {
    const [owner, other] = [await makeUser(ctx), await makeUser(ctx)];
    const { identityId } = await link(owner.id, 'google');
    const stale: Evidence[] = [{ method: 'pwd', at: new Date(ctx.now().getTime() - 301_000).toISOString() }];
    for (const evidence of [[], stale]) {
      const code = 'fresh_sign_in_required';
      await t.rejects(unlinkIdentity(ctx, { userId: owner.id, evidence, identityId }), { code });
      await t.rejects(restoreIdentity(ctx, { userId: owner.id, evidence, identityId }), { code });
      await t.rejects(linkOwnIdentity(ctx, { userId: owner.id, evidence, identity: external('github') }), {
        code,
      });
    }
    await t.rejects(unlinkIdentity(ctx, { userId: other.id, evidence: fresh(), identityId }), {
      code: 'not_found',
    });
    t.strictSame(await live(owner.id), ['google']);
  });

  t.test('the word of a company makes no way into the other accounts of a person', async (t) => {
    const owner = await makeUser(ctx);
    const { identityId } = await link(owner.id, 'google');
    await unlinkIdentity(ctx, { userId: owner.id, evidence: fresh(), identityId });
    const at = ctx.now().toISOString();
    const ofCompany = {
      method: 'fed',
      at,
      accountId: newId('acc', ctx.now()),
      connectionId: newId('con', ctx.now()),
      amr: [],
    } as const;
    const stale = { method: 'pwd', at: new Date(ctx.now().getTime() - 301_000).toISOString() } as const;
    for (const evidence of [[ofCompany], [ofCompany, stale]]) {
      const who = { userId: owner.id, evidence };
      const code = 'fresh_sign_in_required';
      await t.rejects(linkOwnIdentity(ctx, { ...who, identity: external('github') }), { code });
      await t.rejects(restoreIdentity(ctx, { ...who, identityId }), { code });
      const asked = { provider: 'google', link: { ...who, clientId: 'demo-self' } } as const;
      await t.rejects(issueLinkTicket(withGoogle, asked), { code });
    }
    t.strictSame(await live(owner.id), []);
    await linkOwnIdentity(ctx, {
      userId: owner.id,
      evidence: [ofCompany, ...fresh()],
      identity: external('github'),
    });
    t.strictSame(await live(owner.id), ['github']);
  });

  t.test(
    'what was unlinked can be brought back for seven days, and is nobody else’s meanwhile',
    async (t) => {
      const [owner, other] = [await makeUser(ctx), await makeUser(ctx)];
      const { identity, identityId } = await link(owner.id, 'google');
      await unlinkIdentity(ctx, { userId: owner.id, evidence: fresh(), identityId });
      const taken = linkOwnIdentity(ctx, { userId: other.id, evidence: fresh(), identity });
      await t.rejects(taken, { code: 'identity_taken' });
      await restoreIdentity(ctx, { userId: owner.id, evidence: fresh(), identityId });
      t.strictSame(await live(owner.id), ['google']);
      await unlinkIdentity(ctx, { userId: owner.id, evidence: fresh(), identityId });
      app.advance(7 * 86_400 + 1);
      const late = restoreIdentity(ctx, { userId: owner.id, evidence: fresh(), identityId });
      await t.rejects(late, { code: 'not_found' });
      await linkOwnIdentity(ctx, { userId: other.id, evidence: fresh(), identity });
      t.strictSame(await live(other.id), ['google']);
      const mails = await ctx.db
        .selectFrom('mailOutbox')
        .select('template')
        .where('recipient', '=', owner.email)
        .orderBy('id')
        .execute();
      t.strictSame(
        mails.map(({ template }) => template),
        ['social_identity_linked', 'social_identity_unlinked', 'social_identity_unlinked'],
      );
    },
  );

  t.test('an operator may take away even the last one, which is how a wrong link is put right', async (t) => {
    const user = await makeUser(ctx, { password: null });
    const { identityId } = await link(user.id, 'apple');
    await inTransaction(ctx, (tx) => removeIdentity(tx, { userId: user.id, identityId }));
    t.strictSame(await live(user.id), []);
    const [event] = await ctx.db
      .selectFrom('events')
      .select(['actorId', 'details'])
      .where('type', '=', 'identity.unlinked')
      .where('userId', '=', user.id)
      .execute();
    t.match(event, { actorId: null, details: { provider: 'apple' } });
  });

  t.test('and so does the command', async (t) => {
    const user = await makeUser(ctx);
    const { identityId } = await link(user.id, 'linkedin');
    const listed = await doorward(app, 'identity', 'list', user.email);
    t.strictSame(
      [listed.code, listed.output.trim()],
      [0, `${identityId}\tLinkedIn\tsomebody@elsewhere.test`],
    );
    t.equal((await doorward(app, 'identity', 'remove', user.email, identityId, '--yes')).code, 0);
    t.strictSame(await live(user.id), []);
    t.equal((await doorward(app, 'identity', 'remove', user.email, identityId, '--yes')).code, 1, 'once');
    t.equal((await doorward(app, 'identity', 'list', 'nobody@nowhere-at-all.test')).code, 1);
  });

  t.test(
    'a provider that says an account is gone is heard once, and only for what was linked before',
    async (t) => {
      const user = await makeUser(ctx);
      const { identity } = await link(user.id, 'facebook');
      const { provider, issuer, subject } = identity;
      const says = { kind: 'deleted', provider, issuer, subject } as const;
      const at = (seconds: number) => new Date(ctx.now().getTime() + seconds * 1000);
      const hear = (jti: string, issuedAt: Date) =>
        inTransaction(ctx, (tx) => hearProvider(tx, { ...says, jti, issuedAt, expiresAt: at(86_400) }));
      t.equal(await hear('early', at(-60)), true);
      t.strictSame(await live(user.id), ['facebook'], 'it was said of another link, before this one');
      t.equal(await hear('now', at(60)), true);
      t.strictSame(await live(user.id), []);
      t.equal(await hear('now', at(60)), false, 'a replay is no news');
    },
  );
});
