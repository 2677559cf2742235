/** RFC 7009: a client gives back what is its own. */
import { decodeJwt } from 'jose';
import t from 'tap';
import { Agent } from '../support/agent.ts';
import { startApp } from '../support/app.ts';
import { sha256, signIn } from '../support/relying-party.ts';
import {
  assistApi,
  basic,
  countEvents,
  demoBasic,
  demoParty,
  introspect,
  post,
  refreshForm,
  userinfo,
} from './requests.ts';

t.test('revocation', async (t) => {
  const { issuer, ctx } = await startApp(t);
  const assist = demoParty(issuer, 'assist', 'openid email assist:read');
  const signedIn = async (extra: Readonly<Record<string, string>> = {}) =>
    (await signIn(new Agent(issuer), assist, 'alan@acme.test', extra)).tokens;
  const revoke = (token: string | undefined, headers: Readonly<Record<string, string>> = {}) =>
    post(issuer, '/revoke', { token: token ?? '', client_id: 'demo-assist' }, headers);
  const refresh = async (token: string | undefined): Promise<number> =>
    (await post(issuer, '/token', refreshForm(token))).status;

  t.test('of an opaque access token ends it, and leaves the refresh token', async (t) => {
    const tokens = await signedIn();
    const answer = await revoke(tokens.access_token);
    t.equal(answer.status, 200);
    t.equal(answer.text, '');
    t.equal((await userinfo(issuer, tokens.access_token)).status, 401);
    t.equal((await revoke(tokens.access_token)).status, 200, 'twice is no error');
  });

  t.test('of a JWT access token makes it inactive until it ends', async (t) => {
    const before = await countEvents(ctx, 'token.revoked');
    const tokens = await signedIn({ resource: assistApi });
    t.match(await introspect(issuer, tokens.access_token), { active: true });
    t.equal((await revoke(tokens.access_token)).status, 200);
    t.same(await introspect(issuer, tokens.access_token), { active: false });
    const { jti = '', exp = 0 } = decodeJwt(tokens.access_token);
    const row = await ctx.db
      .selectFrom('artifacts')
      .select('expiresAt')
      .where('model', '=', 'RevokedAccessToken')
      .where('idHash', '=', sha256(jti))
      .executeTakeFirst();
    t.equal(row?.expiresAt.getTime(), exp * 1000, 'and is remembered no longer than that');
    t.equal((await revoke(tokens.access_token)).status, 200, 'twice is no error');
    t.equal(await countEvents(ctx, 'token.revoked'), before + 1, 'and no second event');

    t.equal(await refresh(tokens.refresh_token), 200, 'the client goes on');
  });

  t.test('of a refresh token ends everything of its grant', async (t) => {
    const tokens = await signedIn({ resource: assistApi });
    t.equal((await revoke(tokens.refresh_token)).status, 200);
    t.equal(await refresh(tokens.refresh_token), 400);
    t.same(await introspect(issuer, tokens.access_token), { active: false });
    const plain = await signedIn();
    await revoke(plain.refresh_token);
    t.equal((await userinfo(issuer, plain.access_token)).status, 401);
    t.equal((await revoke(plain.refresh_token)).status, 200, 'twice is no error');
  });

  t.test('of the refresh token of a confidential client needs its secret', async (t) => {
    const confidential = demoParty(issuer, 'confidential');
    const { tokens } = await signIn(new Agent(issuer), confidential, 'alan@acme.test');
    const form = { token: tokens.refresh_token ?? '' };
    const status = async (more: Record<string, string>, headers: Record<string, string> = {}) =>
      (await post(issuer, '/revoke', { ...form, ...more }, headers)).status;
    t.equal(await status({ client_id: 'demo-confidential' }), 401);
    t.equal(await status({}, basic('demo-confidential', 'wrong')), 401);
    t.equal(await status({ client_id: 'nobody' }), 401);
    t.equal(await status({}), 400);
    t.ok((await confidential.refresh(tokens.refresh_token ?? '')).access_token, 'it works still');
    t.equal(await status({}, demoBasic('confidential')), 200);
    const dead = refreshForm(tokens.refresh_token, 'demo-confidential');
    t.equal((await post(issuer, '/token', dead, demoBasic('confidential'))).status, 400);
  });

  t.test('of tokens of another client does nothing', async (t) => {
    const tokens = await signedIn({ resource: assistApi });
    const plain = await signedIn();
    const before = await countEvents(ctx, 'token.revoked');
    for (const token of [
      tokens.access_token,
      tokens.refresh_token,
      plain.access_token,
      plain.refresh_token,
    ]) {
      for (const headers of [demoBasic('confidential'), demoBasic('service'), demoBasic('operator')]) {
        const answer = await post(issuer, '/revoke', { token: token ?? '' }, headers);
        t.ok(answer.status < 500);
      }
      await post(issuer, '/revoke', { token: token ?? '', client_id: 'demo-native' });
    }
    t.match(await introspect(issuer, tokens.access_token), { active: true });
    t.equal((await userinfo(issuer, plain.access_token)).status, 200);
    t.equal(await refresh(tokens.refresh_token), 200);
    t.equal(await refresh(plain.refresh_token), 200);
    t.equal(await countEvents(ctx, 'token.revoked'), before);
  });

  t.test('of what is no token is answered as if it had been one', async (t) => {
    const tokens = await signedIn();
    const others = ['garbage', 'a.b.c', tokens.id_token ?? '', 'a'.repeat(64), `${tokens.access_token}a`];
    for (const token of others) t.equal((await revoke(token)).status, 200, token.slice(0, 20));
    t.equal((await userinfo(issuer, tokens.access_token)).status, 200);
    t.equal(
      (await post(issuer, '/revoke', { client_id: 'demo-assist' })).status,
      400,
      'but one must be named',
    );
  });

  t.test('of a refresh token that was rotated away ends the grant too', async (t) => {
    const tokens = await signedIn();
    const next = (await post(issuer, '/token', refreshForm(tokens.refresh_token))).json();
    t.equal((await revoke(tokens.refresh_token)).status, 200);
    t.equal(await refresh(next.refresh_token), 400);
  });
});
